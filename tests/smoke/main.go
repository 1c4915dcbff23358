// Command smoke sends completions through the gateway of a stack and shows which pods
// answered, and how fast. It exits with 1 if a check fails.
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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	namespace := flags.String("namespace", "llm-d-sim", "namespace of the stack")
	service := flags.String("service", "", "Service to send to; the first gateway's if not given, without any the proxy Service")
	model := flags.String("model", "random", "model that the simulators answer to")
	requests := flags.Int("requests", 40, "requests of each kind")
	atATime := flags.Int("concurrency", 4, "requests at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	s := smoke{out: out, requests: *requests, atATime: *atATime}
	if err := s.look(ctx, config, *namespace); err != nil {
		return err
	}
	if *service == "" {
		*service = s.entrance
	}
	url, err := traffic.Forward(ctx, config, *namespace, *service)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "sending to service %s in namespace %s\n", *service, *namespace)
	s.client = traffic.NewClient(url, *model)
	if s.key != "" {
		s.client.Headers = http.Header{"Authorization": {"Bearer " + s.key}}
	}
	return s.run(ctx)
}

// smoke is one run of the checks.
type smoke struct {
	out               io.Writer
	client            *traffic.Client
	requests, atATime int
	// entrance is the Service that clients send to, key what it asks for, if anything.
	entrance, key string
	// decode are the pods that can answer; epp is there if requests go by their prompt.
	decode []string
	epp    bool
	failed []string
}

// look asks the cluster what answers can be expected.
func (s *smoke) look(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	selector := metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: components.DecodePodSelector()})
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			s.decode = append(s.decode, pod.Name)
		}
	}
	if len(s.decode) == 0 {
		return fmt.Errorf("there is no decode pod in namespace %s: deploy a stack first", namespace)
	}
	epp, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=" + llmd.EPPName,
	})
	if err != nil {
		return err
	}
	// From the best to the least: the proxy Service knows no EPP.
	for _, s.entrance = range []string{llmd.StandardGatewayName, llmd.IstioGatewayName, llmd.ProxyServiceName} {
		_, err := client.CoreV1().Services(namespace).Get(ctx, s.entrance, metav1.GetOptions{})
		if err == nil {
			break
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	if s.entrance == llmd.StandardGatewayName {
		secret, err := client.CoreV1().Secrets(namespace).Get(ctx, s.entrance, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		s.key = string(secret.Data[llmd.APIKey])
	}
	s.epp = s.entrance != llmd.ProxyServiceName && len(epp.Items) > 0 && epp.Items[0].Status.ReadyReplicas > 0
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

	models := s.client.Get(ctx, "/v1/models")
	if !models.OK() || !strings.Contains(models.Body, s.client.Model) {
		s.fail("/v1/models: %s", models)
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
	for _, pod := range s.decode {
		if all[pod] == 0 {
			s.fail("pod %s answered nothing", pod)
		}
	}
	if s.epp && len(s.decode) > 1 {
		s.affinity(ctx, row)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if different.Pods[""] > 0 {
		s.fail("%d answers do not tell their pod (x-inference-pod)", different.Pods[""])
	}
	if len(s.failed) > 0 {
		return errors.New(strings.Join(s.failed, "\n"))
	}
	fmt.Fprintln(s.out, "all checks passed")
	return nil
}

// affinity sends one long prompt again and again: the EPP sends it where it was before.
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

// prompt returns a prompt that shares no beginning with those of other numbers.
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
