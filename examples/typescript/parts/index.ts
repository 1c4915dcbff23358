import * as kubernetes from "@pulumi/kubernetes";
import * as sim from "llm-d-sim";

const resource = new kubernetes.core.v1.Namespace("namespace", {
    metadata: { name: "llm-d-sim-parts-typescript" },
});
const namespace = resource.metadata.name;

new sim.ModelServiceStage("decode", {
    namespace,
    replicas: 3,
    headlessService: true,
    simulator: { model: "my-model", timeToFirstToken: "150ms", interTokenLatency: "20ms" },
});
new sim.EPP("epp", { namespace });
const gateway = new sim.InferenceGateway("gateway", { namespace, standard: { epp: "gaie-sim-epp" } });

export const endpoint = gateway.endpoint;
