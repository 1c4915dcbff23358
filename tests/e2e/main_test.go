// Package e2e tests the program with the real pulumi engine and providers on a real
// Kubernetes API, whose nodes fake their pods. `make test` runs it; it starts a
// cluster of its own and removes it.
package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clusterName keeps the tests' cluster apart from that of `make up`.
const clusterName = "e2e"

// The surroundings of all tests, set up once.
var (
	clone    string   // A fresh copy of the repository, in which `make up` ran.
	labPath  string   // The lab command.
	binary   string   // The program, built once.
	labEnv   []string // The environment of pulumi and kubectl on the cluster.
	makeUps  []string // What `make up` printed, the first and the second time.
	makeTime []time.Duration
)

func TestMain(m *testing.M) {
	labPath = os.Getenv("LLM_D_SIM_LAB")
	if labPath == "" {
		fmt.Println("skipped: the tests on a cluster need the lab; run them by `make test`")
		return
	}
	code := 1
	err := setUp()
	if err == nil {
		code = m.Run()
	}
	if err := errorOf(clone, nil, labPath, "stop", "--name", clusterName); err != nil {
		fmt.Println(err)
		code = 1
	}
	if err != nil {
		fmt.Println(err)
	}
	_ = os.RemoveAll(filepath.Dir(clone))
	os.Exit(code)
}

// setUp makes a fresh clone, and has `make up` deploy the dev stack to a bare cluster
// from there, twice.
func setUp() error {
	repository, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "llm-d-sim-e2e-")
	if err != nil {
		return err
	}
	clone = filepath.Join(dir, "llm-d-sim")
	// What git tracks or would track, as it is now.
	script := `mkdir "$1" && git ls-files -co --exclude-standard -z | tar --null -T - -cf - | tar -xf - -C "$1" &&
		cd "$1" && git init -q && git add -A && git -c user.name=e2e -c user.email=e2e@localhost commit -qm clone`
	if err := errorOf(repository, nil, "bash", "-c", script, "bash", clone); err != nil {
		return err
	}
	if err := errorOf(clone, nil, labPath, "stop", "--name", clusterName); err != nil {
		return err
	}
	for range 2 {
		began := time.Now()
		out, err := command(clone, nil, "make", "up", "NAME="+clusterName, "CRDS=none").CombinedOutput()
		makeTime = append(makeTime, time.Since(began))
		makeUps = append(makeUps, string(out))
		if err != nil {
			return fmt.Errorf("make up: %w\n%s", err, out)
		}
	}
	fmt.Printf("make up, with the tools cached and no cluster: %.1f s; again: %.1f s\n",
		makeTime[0].Seconds(), makeTime[1].Seconds())

	out, err := command(clone, nil, "make", "-s", "env", "NAME="+clusterName).Output()
	if err != nil {
		return fmt.Errorf("make env: %w", err)
	}
	if labEnv, err = parseEnv(out); err != nil {
		return err
	}
	binary = filepath.Join(dir, "program")
	return errorOf(repository, nil, "go", "build", "-o", binary, ".")
}

// parseEnv lets a shell evaluate what `make env` prints, as a user does.
func parseEnv(exports []byte) ([]string, error) {
	cmd := exec.Command("bash", "-c", string(exports)+"\nenv -0")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("evaluating make env: %w", err)
	}
	var env []string
	scanner := bufio.NewScanner(bytes.NewReader(out))
	scanner.Split(func(data []byte, _ bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	for scanner.Scan() {
		env = append(env, scanner.Text())
	}
	return env, scanner.Err()
}

func command(dir string, env []string, name string, args ...string) *exec.Cmd {
	// Look the program up where the environment says, not where this process runs.
	for _, pair := range env {
		if path, is := strings.CutPrefix(pair, "PATH="); is {
			for _, folder := range filepath.SplitList(path) {
				if _, err := os.Stat(filepath.Join(folder, name)); err == nil && !strings.Contains(name, "/") {
					name = filepath.Join(folder, name)
				}
			}
		}
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	return cmd
}

func errorOf(dir string, env []string, name string, args ...string) error {
	if out, err := command(dir, env, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
