import pulumi

import llm_d_sim as sim

# What the type checker has to refuse, each on a line of its own.
sim.Stack("later", decode=sim.StackDecodeStageArgs(replicas=pulumi.Output.from_input(2)))
sim.Stack("unknown", decode=sim.StackDecodeStageArgs(replcas=2))
sim.Stack("value", load_balancing=sim.StackLoadBalancingArgs(algorithm=2))
sim.EPP("required", sim.EPPArgs())

# What it has to accept.
sim.Stack(
    "right",
    decode={"enabled": True, "replicas": 2},
    load_balancing=sim.StackLoadBalancingArgs(algorithm=sim.Algorithm.RANDOM),
    namespace=pulumi.Output.from_input("theirs"),
    images=sim.StackImagesArgs(epp=pulumi.Output.from_input("mine")),
    image_pull_secrets=[pulumi.Output.from_input("secret")],
    kubeconfig=pulumi.Output.secret("content"),
)
