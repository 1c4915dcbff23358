// Package deploy deploys a stack for each candidate of a comparison, and removes it.
package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/load"
	"github.com/llm-d-sim/llm-d-sim/compare/observe"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/stacks"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// Deployer deploys stacks whose state is in a folder of its own, whatever backend the user is
// logged in to.
type Deployer struct {
	// Dir keeps the states.
	Dir string
	// Cluster is where the requests go.
	Cluster *rest.Config
}

// New returns a Deployer whose states are in the user's cache, apart for each cluster. Until
// unlock is called, no other process gets one for the cluster.
func New(cluster *rest.Config) (_ *Deployer, unlock func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, nil, err
	}
	id := sha256.Sum256([]byte(cluster.Host))
	d := &Deployer{Dir: filepath.Join(cache, "llm-d-sim", "compare", hex.EncodeToString(id[:6])), Cluster: cluster}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	lock, err := os.OpenFile(d.Dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, nil, errors.Join(errors.New("another comparison runs on this cluster"), lock.Close())
	}
	return d, func() { _ = lock.Close() }, nil
}

// RemoveLeft removes the stacks that a comparison has left which was killed.
func (d *Deployer) RemoveLeft(ctx context.Context) error {
	entries, err := os.ReadDir(d.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), comparison.NamespacePrefix) {
			continue
		}
		stack, err := d.open(ctx, entry.Name(), func(*pulumi.Context) error { return nil })
		if err != nil {
			return err
		}
		if err := (&Stack{Stack: stack}).Remove(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stack is the stack of one candidate.
type Stack struct {
	auto.Stack
	// Clients send to the pods of its gateway, once Up has returned.
	Clients []*traffic.Client
	// Observer reads the metrics of its pods.
	Observer *observe.Observer

	candidate comparison.Candidate
	cluster   *rest.Config
}

// passphrase encrypts the states, which hold no secret of a user.
const passphrase = "llm-d-sim-compare" //nolint:gosec // It only has to be the same each time: the states are the user's alone.

// Stack prepares the stack of a candidate; it deploys nothing.
func (d *Deployer) Stack(ctx context.Context, c comparison.Candidate) (*Stack, error) {
	stack, err := d.open(ctx, c.Namespace(), func(ctx *pulumi.Context) error {
		p := stacks.Program{Values: c.Values, Deployer: stacks.Deployer{Connect: cluster.Connect, Settle: status.SettleTime}}
		return p.Run(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("candidate %s: %w", c.Name, err)
	}
	observer, err := observe.New(d.Cluster, c.Spec)
	if err != nil {
		return nil, err
	}
	return &Stack{Stack: stack, Observer: observer, candidate: c, cluster: d.Cluster}, nil
}

// open opens a stack, which it creates if need be.
func (d *Deployer) open(ctx context.Context, name string, program pulumi.RunFunc) (auto.Stack, error) {
	dir := filepath.Join(d.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return auto.Stack{}, err
	}
	return auto.UpsertStackInlineSource(ctx, name, config.Namespace, program, auto.WorkDir(dir),
		auto.EnvVars(map[string]string{
			"PULUMI_BACKEND_URL":            "file://" + d.Dir + "?metadata=skip",
			"PULUMI_CONFIG_PASSPHRASE":      passphrase,
			"PULUMI_CONFIG_PASSPHRASE_FILE": "",
			"PULUMI_OPTION_CONFIG_FILE":     "",
			"PULUMI_SKIP_UPDATE_CHECK":      "true",
		}))
}

// Up deploys the stack and waits until every simulator answers through every gateway pod.
func (s *Stack) Up(ctx context.Context) error {
	var log bytes.Buffer
	result, err := s.Stack.Up(ctx, optup.ProgressStreams(&log), optup.ErrorProgressStreams(&log))
	if err != nil {
		return fmt.Errorf("candidate %s cannot be deployed: %s", s.candidate.Name, tail(log.Bytes()))
	}
	urls, err := traffic.Reach(ctx, s.cluster, s.candidate.Namespace(), llmd.StandardGatewayName)
	if err != nil {
		return fmt.Errorf("candidate %s: %w", s.candidate.Name, err)
	}
	headers := http.Header{}
	if key, _ := result.Outputs[llmd.APIKey].Value.(string); key != "" {
		headers.Set("Authorization", "Bearer "+key)
	}
	var clients []*traffic.Client
	for _, url := range urls {
		client := traffic.NewClient(url, s.candidate.Spec.Simulator.Model)
		client.Headers = headers
		clients = append(clients, client)
	}
	if err := load.WarmUp(ctx, clients, int(s.candidate.Spec.DecodeStage().Replicas)); err != nil {
		return fmt.Errorf("candidate %s: %w", s.candidate.Name, err)
	}
	s.Clients = clients
	return nil
}

// removal bounds a destroy, also of one that was interrupted.
const removal = 5 * time.Minute

// Remove destroys the stack and its state, also after ctx has ended.
func (s *Stack) Remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removal)
	defer cancel()
	_ = s.Cancel(ctx) // The lock of a comparison that was killed.
	var log bytes.Buffer
	_, err := s.Destroy(ctx, optdestroy.ProgressStreams(&log), optdestroy.ErrorProgressStreams(&log))
	if err != nil {
		return fmt.Errorf("namespace %s cannot be removed: %w\n%s", s.Name(), err, tail(log.Bytes()))
	}
	return errors.Join(
		s.Workspace().RemoveStack(ctx, s.Name()),
		os.RemoveAll(s.Workspace().WorkDir()),
	)
}

// tail returns the end of a log, where pulumi says what went wrong.
func tail(log []byte) []byte {
	if i := bytes.LastIndex(log, []byte("Diagnostics:")); i >= 0 {
		log = log[i+len("Diagnostics:"):]
	}
	log = bytes.TrimSpace(log)
	return log[max(0, len(log)-2000):]
}
