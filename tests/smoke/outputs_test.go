package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

func TestRequestsGoToTheFirstEndpoint(t *testing.T) {
	t.Parallel()
	o, err := readOutputs(strings.NewReader(`{"namespace": "ns", "gatewayURL": "", "apiKey": "k",
		"endpoints": ["my-proxy.ns.svc.cluster.local:8000", "decode.ns.svc.cluster.local:8200"], "status": {}}`))
	require.NoError(t, err)
	require.Equal(t, "my-proxy", o.service())
	require.Equal(t, "k", o.APIKey)
}

func TestOutputsOfNoStackAreRefused(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{"nothing": "", "not deployed": "{}", "no endpoint": `{"namespace": "ns"}`} {
		_, err := readOutputs(strings.NewReader(in))
		require.Error(t, err, name)
	}
}

func TestTheModelsAreWhatTheStackServes(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) traffic.Answer { return traffic.Answer{Status: status, Body: body} }
	names, err := models(answer(http.StatusOK, `{"object": "list", "data": [{"id": "foo"}, {"id": "an-adapter"}]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"foo", "an-adapter"}, names)
	for _, bad := range []traffic.Answer{
		answer(http.StatusUnauthorized, ""), answer(http.StatusOK, "no JSON"), answer(http.StatusOK, `{"data": []}`),
	} {
		_, err := models(bad)
		require.ErrorContains(t, err, "/v1/models")
	}
}
