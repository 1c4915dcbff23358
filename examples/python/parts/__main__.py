import pulumi
import pulumi_kubernetes as kubernetes

import llm_d_sim as sim

resource = kubernetes.core.v1.Namespace(
    "namespace",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(name="llm-d-sim-parts-python"),
)
namespace = resource.metadata.name

sim.ModelServiceStage(
    "decode",
    namespace=namespace,
    replicas=3,
    headless_service=True,
    simulator=sim.SimulatorSettingsArgs(
        model="my-model", time_to_first_token="150ms", inter_token_latency="20ms"
    ),
)
sim.EPP("epp", namespace=namespace)
gateway = sim.InferenceGateway(
    "gateway",
    namespace=namespace,
    standard=sim.StandardGatewayArgs(epp="gaie-sim-epp"),
)

pulumi.export("endpoint", gateway.endpoint)
