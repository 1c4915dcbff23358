package preflight

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// missingPullSecrets returns warnings about the pull secrets that do not exist. They are no
// reason to refuse: the images may need none, and some clusters copy such a Secret into each
// new namespace.
func (c *checker) missingPullSecrets(ctx context.Context) ([]string, error) {
	wanted := c.pullSecrets()
	if len(wanted) == 0 {
		return nil, nil
	}
	secrets, err := c.live.List(ctx, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, c.Namespace)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing secrets in namespace %s: %w", c.Namespace, err)
	}
	for _, secret := range secrets {
		wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == secret.Name })
	}
	var warnings []string
	when := ""
	if c.CreateNamespace {
		when = " (as soon as this stack has created the namespace)"
	}
	for _, name := range wanted {
		warnings = append(warnings, fmt.Sprintf("imagePullSecrets: Secret %[1]s does not exist in namespace %[2]s, "+
			"so images that need it cannot be pulled. Create it%[3]s: kubectl create secret docker-registry %[1]s -n %[2]s "+
			"--docker-server=... --docker-username=... --docker-password=...", name, c.Namespace, when))
	}
	return warnings, nil
}

// pullSecrets returns the names of the pull secrets of all pods.
func (c *checker) pullSecrets() []string {
	var names []string
	for _, o := range c.Objects() {
		references, _ := o.Field("spec", "template", "spec", "imagePullSecrets").([]any)
		for _, r := range references {
			reference, _ := r.(map[string]any)
			if name, is := reference["name"].(string); is && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
