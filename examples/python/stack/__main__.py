import pulumi

import llm_d_sim as sim

stack = sim.Stack(
    "sim",
    namespace="llm-d-sim-python",
    epp=sim.StackEPPArgs(enabled=True),
    inference_gateway=sim.StackInferenceGatewayArgs(
        enabled=True, standard=sim.StackGatewayInstanceArgs(enabled=True)
    ),
    prefill=sim.StackStageArgs(enabled=True, replicas=1),
    decode=sim.StackDecodeStageArgs(enabled=True, replicas=2),
)

pulumi.export("version", stack.version)
pulumi.export("namespace", stack.namespace)
pulumi.export("replicas", stack.replicas)
pulumi.export("readyReplicas", stack.ready_replicas)
pulumi.export("endpoints", stack.endpoints)
pulumi.export("gatewayURL", stack.gateway_url)
pulumi.export("conditions", stack.conditions)
pulumi.export("status", stack.status)
