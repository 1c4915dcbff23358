package keda

import (
	"regexp"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// withoutClouds leaves KEDA the one trigger that the program's ScaledObjects have. The others, and
// the vaults of three clouds, are all named in a few files, and with them come the SDKs of these
// clouds and clients of 40 databases and queues: more than half of what KEDA compiles.
var withoutClouds = tool.Edit{
	Dependency: source,
	Version:    "v2.21.0",
	Sum:        "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
	Folder:     "keda",
	Only: map[string]*regexp.Regexp{
		"pkg/scalers":          regexp.MustCompile(`^(?:scaler|metrics_api_scaler)\.go$`),
		"pkg/scaling/resolver": regexp.MustCompile(`^(?:hashicorpvault_handler|k8s_validator|outbound_policy|scale_resolvers|service_account_token)\.go$`),
		"pkg/eventemitter":     regexp.MustCompile(`^(?:cloudevent_http_handler|eventemitter|eventfilter|eventhelper)\.go$`),
	},
	Files: map[string]tool.Changes{
		"pkg/scaling/scalers_builder.go": {{
			Old: regexp.MustCompile(`(?s)\tcase "activemq":.*?(\tcase "metrics-api":\n[^\n]+\n).*?(\tdefault:)`),
			New: "$1$2",
		}},
		// Defined among the triggers that are gone.
		"pkg/scalers/metrics_api_scaler.go": {{
			Old: regexp.MustCompile(`\tmethodValueQuery `),
			New: "\texternalMetricType = \"External\"\n\tmethodValueQuery ",
		}},
		"pkg/scaling/resolver/scale_resolvers.go": {
			{Old: regexp.MustCompile(`\t"github\.com/kedacore/keda/v2/pkg/scalers/azure"\n`)},
			{Old: regexp.MustCompile(`(?s)\t\t\tif triggerAuthSpec\.(?:AzureKeyVault|GCPSecretManager|AwsSecretManager|AzureServicePrincipal) != nil.*?\n\t\t\t}\n`)},
		},
		"pkg/eventemitter/eventemitter.go": {
			{Old: regexp.MustCompile(`(?s)\tif spec\.Destination\.AzureEventGridTopic != nil.*?\n\t}\n`)},
			{Old: regexp.MustCompile(`authParams, podIdentity, err := resolver`), New: "_, _, err := resolver"},
		},
	},
}
