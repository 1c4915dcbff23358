package pulumihome

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// Plugins returns the versions of the providers that the SDKs in the repository's go.mod
// ask for: a plugin is only found under that version.
func Plugins(repository string) (map[string]string, error) {
	path := filepath.Join(repository, "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(path, raw, nil)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, name := range []string{"kubernetes", "random"} {
		module := "github.com/pulumi/pulumi-" + name + "/sdk/v4"
		for _, require := range mod.Require {
			if require.Mod.Path == module {
				versions[name] = require.Mod.Version
			}
		}
		if versions[name] == "" {
			return nil, fmt.Errorf("%s does not require %s", path, module)
		}
	}
	return versions, nil
}
