package hostport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesAreSplit(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"collector:4317":                 "collector",
		"otel-collector.monitoring:4317": "otel-collector.monitoring",
		"collector.example.com.:4317":    "collector.example.com.",
		"10.0.0.1:4317":                  "10.0.0.1",
		"[2001:db8::1]:4317":             "2001:db8::1",
	} {
		host, port, err := Parse(address)
		require.NoError(t, err, address)
		require.Equal(t, want, host)
		require.Equal(t, int32(4317), port)
	}
}

func TestOtherTextIsRefused(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                      "missing port",
		"collector":             "missing port",
		":4317":                 "host",
		"Collector:4317":        "lowercase",
		"collector:":            "must be within 1 to 65535",
		"collector:0":           "must be within 1 to 65535",
		"collector:65536":       "must be within 1 to 65535",
		"collector:otlp":        "must be within 1 to 65535",
		"2001:db8::1:4317":      "too many colons",
		"http://collector:4317": "has a scheme",
	} {
		_, _, err := Parse(address)
		require.ErrorContains(t, err, want, address)
	}
}
