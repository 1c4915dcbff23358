// Command compare deploys several configurations of the stack, sends each the same requests,
// and reports which is better, and whether what was expected came true.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/deploy"
	"github.com/llm-d-sim/llm-d-sim/compare/report"
)

// errFailed says that the comparison ran, but that it did not end as expected.
var errFailed = errors.New("the comparison failed, see above")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// images are references by the configuration key that they are defaults of.
type images map[string]string

func (i images) String() string { return "" }

func (i images) Set(value string) error {
	key, image, found := strings.Cut(value, "=")
	if !found {
		return errors.New("must be KEY=IMAGE")
	}
	i[key] = image
	return nil
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	file := flags.String("file", "", "the comparison, a YAML file")
	dir := flags.String("out", "compare.out", "folder of the report")
	ask := flags.Bool("ask", false, "ask before the cluster is changed")
	defaults := images{}
	flags.Var(defaults, "image", "KEY=IMAGE replaces the default of a configuration key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("--file is required: a comparison such as examples/compare/epp.yaml")
	}
	c, err := comparison.Read(*file, defaults)
	if err != nil {
		return err
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	kubeconfig := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
	cluster, err := kubeconfig.ClientConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	if *ask {
		raw, err := kubeconfig.RawConfig()
		if err != nil {
			return err
		}
		if !agreed(in, out, raw.CurrentContext, c) {
			return errors.New("nothing was changed")
		}
	}
	deployer, unlock, err := deploy.New(cluster)
	if err != nil {
		return err
	}
	defer unlock()
	r := &runner{comparison: c, deployer: deployer, out: out}
	result, err := r.run(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(result.Print(out), result.Write(*dir)); err != nil {
		return err
	}
	fmt.Fprintf(out, "the report is %s\n", filepath.Join(*dir, report.HTMLFile))
	if result.Failed() {
		return errFailed
	}
	return nil
}

// agreed asks whether to change the user's cluster.
func agreed(in io.Reader, out io.Writer, kubeContext string, c *comparison.Comparison) bool {
	fmt.Fprintf(out, "this creates %d namespaces in kube context %s, and removes them at the end:\n", len(c.Candidates), kubeContext)
	for _, candidate := range c.Candidates {
		fmt.Fprintf(out, "  %s\n", candidate.Namespace())
	}
	fmt.Fprint(out, "Continue? (yes/no) ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	return strings.TrimSpace(answer) == "yes"
}
