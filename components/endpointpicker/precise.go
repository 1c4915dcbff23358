package endpointpicker

import (
	"fmt"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Precise makes an EPP learn from the pods' KV events what their caches hold, so that it also
// notices what they have evicted. The release must support it.
type Precise struct {
	// Model that the pods answer to. Required.
	Model string
	// Tokenizer is the URL of a pod, or of several, that makes tokens of a prompt as all do.
	// Required.
	Tokenizer string
	// BlockTokens is the number of tokens in a block of the pods' caches. Required.
	BlockTokens int
}

const preciseProducer = "precise-prefix-cache-producer"

// plugins returns the scorer for prompts that share a prefix, after the plugins that it depends
// on.
func (p *Precise) plugins() []plugin {
	return []plugin{
		{Type: "token-producer", Parameters: map[string]any{
			"modelName": p.Model, "vllm": map[string]any{"url": p.Tokenizer},
		}},
		{Type: preciseProducer, Parameters: map[string]any{
			// As the pods' own, or no block would be found.
			"tokenProcessorConfig": map[string]any{"blockSizeTokens": p.BlockTokens, "hashSeed": llmd.KVHashSeed},
			"kvEventsConfig": map[string]any{
				"zmqEndpoint": fmt.Sprintf("tcp://0.0.0.0:%d", llmd.EPPEventsPort), "discoverPods": false,
			},
			// A pod reports a prompt only once it has processed it: until then, the next request with
			// the same prefix would go elsewhere.
			"speculativeIndexing": true,
		}},
		{Type: prefixScorer, Parameters: p.consult()},
	}
}

// consult makes a scorer consult the producer, nil for the one that is the default.
func (p *Precise) consult() map[string]any {
	if p == nil {
		return nil
	}
	return map[string]any{"prefixMatchInfoProducerName": preciseProducer}
}
