package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

// outputs are those of a stack, as `pulumi stack output --json` prints them.
type outputs struct {
	Namespace string `json:"namespace"`
	// GatewayURL is empty for a stack without a gateway.
	GatewayURL string `json:"gatewayURL"`
	// Endpoints are the Services for clients as host:port, the one to prefer first.
	Endpoints []string `json:"endpoints"`
	// APIKey is empty unless the gateway asks for one.
	APIKey string `json:"apiKey"`
}

func readOutputs(in io.Reader) (outputs, error) {
	var o outputs
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return o, fmt.Errorf("reading the outputs of a stack from the standard input: %w", err)
	}
	if o.Namespace == "" || len(o.Endpoints) == 0 {
		return o, errors.New("the outputs have no namespace or no endpoints: is the stack deployed?")
	}
	return o, nil
}

// service is the name of the Service to send to.
func (o outputs) service() string {
	name, _, _ := strings.Cut(o.Endpoints[0], ".")
	return name
}

// models returns the models and adapters in an answer of /v1/models, first the stack's own model.
func models(answer traffic.Answer) ([]string, error) {
	if !answer.OK() {
		return nil, fmt.Errorf("/v1/models: %s", answer)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &list); err != nil {
		return nil, fmt.Errorf("/v1/models: %w: %s", err, answer)
	}
	if len(list.Data) == 0 {
		return nil, fmt.Errorf("/v1/models lists no model: %s", answer)
	}
	names := make([]string, len(list.Data))
	for i, model := range list.Data {
		names[i] = model.ID
	}
	return names, nil
}
