import * as pulumi from "@pulumi/pulumi";
import * as sim from "llm-d-sim";

// What the compiler has to refuse, each on a line of its own.
new sim.Stack("later", { decode: { enabled: true, replicas: pulumi.output(2) } });
new sim.Stack("unknown", { decode: { replcas: 2 } });
new sim.Stack("value", { loadBalancing: { algorithm: "NOPE" } });
new sim.EPP("required", {});

// What it has to accept.
new sim.Stack("right", {
    loadBalancing: { algorithm: "RANDOM" },
    namespace: pulumi.output("theirs"),
    images: { epp: pulumi.output("mine") },
    imagePullSecrets: [pulumi.output("secret")],
    kubeconfig: pulumi.secret("content"),
});
