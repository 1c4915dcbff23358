package traffic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// severalModels is a stack of two models, each with an adapter. What requests ask for is mapped to
// the Deployment that must answer by deploymentOf.
func severalModels(gateways map[string]any) map[string]any {
	return map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": gateways,
		"networkPolicy":    map[string]any{"enabled": true},
		"replicas":         2,
		"simulator":        map[string]any{"loras": []any{"own-adapter"}},
		"models": map[string]any{"other": map[string]any{
			"model": "org/other", "replicas": 1, "loras": []any{"other-adapter"},
			"simulator": map[string]any{"timeToFirstToken": "50ms"},
		}},
	}
}

func deploymentOf(s *labtest.Stack) map[string]string {
	own, other := s.DecodeName(), llmd.ForModel(s.DecodeName(), "other")
	return map[string]string{"random": own, "own-adapter": own, "org/other": other, "other-adapter": other}
}

// asking returns a client that asks for another model.
func asking(client *traffic.Client, model string) *traffic.Client {
	other := *client
	other.Model = model
	return &other
}

func TestEachModelAnswersItsRequests(t *testing.T) {
	t.Parallel()
	config := severalModels(map[string]any{
		"enabled": true, "standard": map[string]any{"enabled": true}, "auth": map[string]any{"enabled": true},
	})
	s := newStack(t, "models", config)
	s.Up()
	client := gateway(t, s)
	client.Headers = bearer(key(t, s))
	eventually(t, 30*time.Second, func() bool {
		envoy := pods(t, s, llmd.StandardGatewayName)[0]
		return metric(t, envoy, llmd.GatewayProbePort, llmd.EnvoyMetricsPath, `envoy_cluster_membership_healthy{envoy_cluster_name="epp-other"}`) == 1
	}, "the gateway knows the EPP of the other model")
	checkModels(t, s, client)

	other := pods(t, s, llmd.ForModel(s.DecodeName(), "other"))[0].name
	for name, body := range map[string]string{
		"no model":          `{"prompt":"x","max_tokens":1}`,
		"a model in vain":   `{"model":"random","metadata":{"model":"org/other"},"prompt":"x","max_tokens":1}`,
		"no text":           `{"model":5,"prompt":"x","max_tokens":1}`,
		"an empty name":     `{"model":"","prompt":"x","max_tokens":1}`,
		"no JSON":           `{"model":"org/other"`,
		"nothing":           "",
		"the wrong type":    `["org/other"]`,
		"a null":            `null`,
		"a name too long":   `{"model":"` + strings.Repeat("x", 20_000) + `"}`,
		"the name in parts": `{"model":"org/other-not","prompt":"x","max_tokens":1}`,
	} {
		answer := client.Do(t.Context(), http.MethodPost, "/v1/completions", []byte(body))
		require.NotEqual(t, other, answer.Pod, "%s: %s", name, answer)
		require.NotZero(t, answer.Status, "%s: %s", name, answer)
		require.Less(t, answer.Status, 500, "%s: %s", name, answer)
	}
	typed := asking(client, "org/other")
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"} {
		typed.Headers = maps.Clone(client.Headers)
		typed.Headers["Content-Type"] = []string{contentType}
		answer := typed.Completion(t.Context(), "x", 1)
		require.True(t, answer.OK(), "content type %q: %s", contentType, answer)
		require.Equal(t, other, answer.Pod, contentType)
	}
	large := asking(client, "org/other").Post(t.Context(), "/v1/completions", map[string]any{
		"prompt": "x", "max_tokens": 1, "user": strings.Repeat("x", 3<<20), "model": "org/other",
	})
	require.True(t, large.OK(), large)
	require.Equal(t, other, large.Pod, "the model comes after 3 MiB")

	client.Headers = nil
	require.Equal(t, http.StatusUnauthorized, asking(client, "org/other").Completion(t.Context(), "x", 1).Status)
	require.Equal(t, http.StatusUnauthorized, client.Get(t.Context(), llmd.ModelsPath).Status)
	require.Equal(t, http.StatusOK, client.Get(t.Context(), llmd.HealthPath).Status)
}

// checkModels checks that the pods of each model, and no others, answer for it, picked by its EPP.
func checkModels(t *testing.T, s *labtest.Stack, client *traffic.Client) {
	t.Helper()
	var list struct {
		Object string
		Data   []struct{ ID string }
	}
	models := client.Get(t.Context(), llmd.ModelsPath)
	require.True(t, models.OK(), models)
	require.Equal(t, "application/json", models.Type)
	require.NoError(t, json.Unmarshal([]byte(models.Body), &list), models.Body)
	require.Equal(t, "list", list.Object)
	var ids []string
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(deploymentOf(s))), ids)

	const each = 20
	epps := map[string]string{s.DecodeName(): llmd.EPPName, llmd.ForModel(s.DecodeName(), "other"): llmd.ForModel(llmd.EPPName, "other")}
	for model, deployment := range deploymentOf(s) {
		epp := pods(t, s, epps[deployment])[0]
		before := pickedBy(t, s, epp)
		sum := traffic.Sum(traffic.Run(t.Context(), each, 4, func(ctx context.Context, i int) traffic.Answer {
			if i%2 == 0 {
				return asking(client, model).Stream(ctx, prompt(i), 5)
			}
			return asking(client, model).Completion(ctx, prompt(i), 5)
		}, nil))
		report(t, "requests for "+model, sum)
		require.Equal(t, each, sum.OK, sum.Failed)
		for pod := range sum.Pods {
			require.Regexp(t, "^"+deployment+"-[a-z0-9]+-[a-z0-9]+$", pod)
		}
		require.Equal(t, each, pickedBy(t, s, epp)-before, "its EPP picked all of them")
	}
	unknown := asking(client, "no-such-model").Chat(t.Context(), "x", 1)
	require.Equal(t, http.StatusNotFound, unknown.Status, unknown)
	var failed struct {
		Error struct{ Message, Type string }
	}
	require.NoError(t, json.Unmarshal([]byte(unknown.Body), &failed), unknown.Body)
	require.Equal(t, "NotFoundError", failed.Error.Type, unknown.Body)
	require.Contains(t, failed.Error.Message, "no-such-model")
	fmt.Println("an unknown model:", unknown)
}

func TestEachModelAnswersItsRequestsThroughIstio(t *testing.T) {
	t.Parallel()
	withIstio(t)
	s := newStack(t, "istiomodels", severalModels(map[string]any{"enabled": true, "istio": map[string]any{"enabled": true}}))
	s.Up()
	client := throughIstio(t, s, llmd.GatewayServicePort)
	eventually(t, pushed, func() bool { return asking(client, "org/other").Completion(t.Context(), "x", 1).OK() }, "the gateway has the routes of the other model")
	checkModels(t, s, client)

	lying := asking(client, "random")
	lying.Headers = http.Header{"X-Gateway-Base-Model-Name": {"org/other"}}
	answer := lying.Completion(t.Context(), "x", 1)
	require.True(t, answer.OK(), answer)
	require.Contains(t, answer.Pod, s.DecodeName()+"-", "the body decides")
	large := client.Post(t.Context(), "/v1/completions", map[string]any{
		"prompt": "x", "max_tokens": 1, "user": strings.Repeat("x", 3<<20), "model": "org/other",
	})
	require.True(t, large.OK(), large)
}
