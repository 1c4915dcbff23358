// Command smoke sends completions through the gateway of a stack and shows which pods
// answered, and how fast. It reads the outputs of the stack from its standard input:
//
//	pulumi stack output --json --show-secrets | go run ./tests/smoke
//
// It exits with 1 if a check fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	requests := flags.Int("requests", 40, "requests of each kind")
	atATime := flags.Int("concurrency", 4, "concurrent requests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o, err := readOutputs(in)
	if err != nil {
		return err
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s := smoke{out: out, requests: *requests, atATime: *atATime}
	if err := s.look(ctx, client, o); err != nil {
		return err
	}
	url, err := traffic.Forward(ctx, config, o.Namespace, o.service())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "sending to service %s in namespace %s\n", o.service(), o.Namespace)
	s.client = traffic.NewClient(url, "")
	if o.APIKey != "" {
		s.client.Headers = http.Header{"Authorization": {"Bearer " + o.APIKey}}
	}
	names, err := models(s.client.Get(ctx, llmd.ModelsPath))
	if err != nil {
		return err
	}
	s.client.Model, s.others = names[0], names[1:]
	return s.run(ctx)
}

// smoke is one run of the checks.
type smoke struct {
	out               io.Writer
	client            *traffic.Client
	requests, atATime int
	// decode are the pods that can answer; epp: an EPP chooses among them by the prompt.
	decode []string
	epp    bool
	// others are further models, and adapters.
	others []string
	failed []string
}

// look finds out which answers to expect.
func (s *smoke) look(ctx context.Context, client kubernetes.Interface, o outputs) error {
	selector := metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: components.StagePodSelector("", llmd.RoleDecode)})
	pods, err := client.CoreV1().Pods(o.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			s.decode = append(s.decode, pod.Name)
		}
	}
	if len(s.decode) == 0 {
		return fmt.Errorf("namespace %s has no decode pod: is this the cluster of the stack?", o.Namespace)
	}
	epp, err := client.AppsV1().Deployments(o.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=" + llmd.EPPName,
	})
	if err != nil {
		return err
	}
	// Without a gateway nothing asks the EPP.
	s.epp = o.GatewayURL != "" && len(epp.Items) > 0 && epp.Items[0].Status.ReadyReplicas > 0
	return nil
}

func (s *smoke) run(ctx context.Context) error {
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REQUESTS\tOK\tP50 / P95 / P99\tFIRST BYTE P50 / P95 / P99\tPODS")
	all := map[string]int{}
	row := func(name string, answers []traffic.Answer) traffic.Summary {
		sum := traffic.Sum(answers)
		fmt.Fprintf(table, "%s\t%d of %d\t%s\t%s\t%s\n", name, sum.OK, sum.Requests, sum.Whole, sum.First, perPod(sum.Pods))
		if sum.Failed != nil {
			s.fail("%s: %d of %d failed, one with %s", name, sum.Requests-sum.OK, sum.Requests, sum.Failed)
		}
		for pod, n := range sum.Pods {
			all[pod] += n
		}
		return sum
	}
	send := func(name string, n int, request func(ctx context.Context, i int) traffic.Answer) traffic.Summary {
		answers := traffic.Run(ctx, n, s.atATime, request, progress(name, n))
		return row(name, answers)
	}

	different := send("completions", s.requests, func(ctx context.Context, i int) traffic.Answer {
		return s.client.Completion(ctx, prompt(i), 10)
	})
	send("chat", s.requests, func(ctx context.Context, i int) traffic.Answer {
		return s.client.Chat(ctx, prompt(i), 10)
	})
	send("streaming", s.requests, func(ctx context.Context, i int) traffic.Answer {
		return s.client.Stream(ctx, prompt(i), 10)
	})
	for _, model := range s.others {
		other := *s.client
		other.Model = model
		send("model "+model, s.requests, func(ctx context.Context, i int) traffic.Answer {
			return other.Completion(ctx, prompt(i), 10)
		})
	}
	for _, pod := range s.decode {
		if all[pod] == 0 {
			s.fail("pod %s answered no request", pod)
		}
	}
	if s.epp && len(s.decode) > 1 {
		s.affinity(ctx, row)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if different.Pods[""] > 0 {
		s.fail("%d answers do not name their pod (x-inference-pod)", different.Pods[""])
	}
	if len(s.failed) > 0 {
		return errors.New(strings.Join(s.failed, "\n"))
	}
	fmt.Fprintln(s.out, "all checks passed")
	return nil
}

// affinity repeats one long prompt, which the EPP keeps sending to the same pod.
func (s *smoke) affinity(ctx context.Context, row func(string, []traffic.Answer) traffic.Summary) {
	const n = 20
	long := strings.Repeat("the same long prompt for one pod. ", 40)
	answers := traffic.Run(ctx, n, 1, func(ctx context.Context, _ int) traffic.Answer {
		return s.client.Completion(ctx, long, 5)
	}, progress("same prompt", n))
	sum := row("same prompt", answers)
	if pod, most := sum.Favourite(); most < n-1 {
		s.fail("same prompt: pod %s answered only %d of %d, prefix affinity does not hold", pod, most, n)
	}
}

func (s *smoke) fail(format string, args ...any) {
	s.failed = append(s.failed, fmt.Sprintf(format, args...))
}

// prompt returns a prompt that shares no prefix with those of other numbers.
func prompt(i int) string { return fmt.Sprintf("%d: a prompt like no other, number %d", i*7919, i) }

// perPod shows how many answers came from each pod, by the end of its name.
func perPod(pods map[string]int) string {
	var list []string
	for _, pod := range slices.Sorted(maps.Keys(pods)) {
		list = append(list, fmt.Sprintf("%s %d", pod[strings.LastIndex(pod, "-")+1:], pods[pod]))
	}
	return strings.Join(list, ", ")
}

// progress shows on a terminal how many requests are done.
func progress(name string, n int) func(int) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(done int) {
		fmt.Fprintf(os.Stderr, "\r%s %d/%d\033[K", name, done, n)
		if done == n {
			fmt.Fprint(os.Stderr, "\r\033[K")
		}
	}
}
