import * as sim from "llm-d-sim";

const stack = new sim.Stack("sim", {
    namespace: "llm-d-sim-typescript",
    epp: { enabled: true },
    inferenceGateway: { enabled: true, standard: { enabled: true } },
    prefill: { enabled: true, replicas: 1 },
    decode: { enabled: true, replicas: 2 },
});

export const version = stack.version;
export const namespace = stack.namespace;
export const replicas = stack.replicas;
export const readyReplicas = stack.readyReplicas;
export const endpoints = stack.endpoints;
export const gatewayURL = stack.gatewayURL;
export const conditions = stack.conditions;
export const status = stack.status;
