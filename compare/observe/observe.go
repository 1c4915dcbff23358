// Package observe reads the metrics of a candidate's pods while a load runs: how many requests
// wait at the simulators, and what the EPP's decisions cost.
package observe

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// Observation is what the pods did during a run.
type Observation struct {
	// Waiting is how many requests waited at the simulators, over time.
	Waiting []Point `json:"waiting,omitempty"`
	// EPP is what its pods did. Nil if there is no EPP, or if its metrics could not be read.
	EPP *EPP `json:"epp,omitempty"`
	// Problem says why something is missing, empty if nothing is.
	Problem string `json:"problem,omitempty"`
}

// Point is a number at a time from the start of the run.
type Point struct {
	At    time.Duration `json:"at"`
	Value float64       `json:"value"`
}

// EPP is what the EPP's pods did during a run.
type EPP struct {
	// CPU is the time that they spent on CPUs.
	CPU time.Duration `json:"cpu"`
	// Decisions is the number of times that they picked a pod, and Deciding the time that this took.
	Decisions float64       `json:"decisions"`
	Deciding  time.Duration `json:"deciding"`
}

// Observer reads the metrics of one candidate's pods, through the API server: this machine needs
// no route to the pods.
type Observer struct {
	pods    func(ctx context.Context, selector map[string]string) ([]corev1.Pod, error)
	scrape  func(ctx context.Context, pod string, port int) (families, error)
	metrics release.EPPMetrics
	// simulators are the stages of simulators, and epp the EPP, nil without one.
	simulators []target
	epp        *target
}

// target are pods that serve metrics.
type target struct {
	selector map[string]string
	port     int
}

// New returns an observer of the stack that a configuration describes.
func New(cluster *rest.Config, spec *config.Spec) (*Observer, error) {
	unlimited := rest.CopyConfig(cluster)
	unlimited.QPS = -1 // By default, a client waits after 5 requests per second.
	client, err := kubernetes.NewForConfig(unlimited)
	if err != nil {
		return nil, err
	}
	pods := client.CoreV1().Pods(spec.Namespace)
	o := &Observer{
		pods: func(ctx context.Context, selector map[string]string) ([]corev1.Pod, error) {
			list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(selector).String()})
			if err != nil {
				return nil, err
			}
			return list.Items, nil
		},
		scrape: func(ctx context.Context, pod string, port int) (families, error) {
			raw, err := pods.ProxyGet("http", pod, strconv.Itoa(port), "/metrics", nil).DoRaw(ctx)
			if err != nil {
				return nil, fmt.Errorf("reading the metrics of pod %s: %w", pod, err)
			}
			return parse(raw)
		},
		metrics:    spec.EPPRelease().Metrics,
		simulators: []target{stage(llmd.RoleDecode, spec.DecodeStage())},
	}
	if spec.Prefill.Enabled {
		o.simulators = append(o.simulators, stage(llmd.RolePrefill, spec.PrefillStage()))
	}
	if spec.EPP.Enabled {
		o.epp = &target{map[string]string{llmd.PartOfLabel: llmd.PartOf, llmd.ComponentLabel: llmd.ComponentEPP}, llmd.EPPMetricsPort}
	}
	return o, nil
}

func stage(role string, s config.Stage) target {
	return target{components.StagePodSelector("", role), int(s.Port)}
}

// interval between two looks at the simulators.
const interval = time.Second

// During observes the pods while run runs.
func (o *Observer) During(ctx context.Context, run func()) Observation {
	w := &watch{Observer: o, began: time.Now()}
	before := w.readEPP(ctx)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				w.lookAtSimulators(ctx)
			}
		}
	}()
	run()
	close(stop)
	<-stopped
	w.compare(before, w.readEPP(ctx))
	return w.Observation
}

// watch is one run.
type watch struct {
	*Observer
	Observation
	began time.Time
}

// failed keeps the first problem, which explains the others.
func (w *watch) failed(err error) {
	if w.Problem == "" {
		w.Problem = err.Error()
	}
}

// lookAtSimulators adds a point, unless one of the pods does not answer.
func (w *watch) lookAtSimulators(ctx context.Context) {
	p := Point{At: time.Since(w.began)}
	for _, t := range w.simulators {
		all, err := w.readAll(ctx, t)
		if err != nil {
			w.failed(err)
			return
		}
		for _, metrics := range all {
			p.Value += metrics.sum(llmd.WaitingMetric)
		}
	}
	w.Waiting = append(w.Waiting, p)
}

// readEPP returns the metrics of the EPP's pods by their UID.
func (w *watch) readEPP(ctx context.Context) map[string]families {
	if w.epp == nil {
		return nil
	}
	all, err := w.readAll(ctx, *w.epp)
	if err != nil {
		w.failed(err)
	}
	return all
}

// readAll reads the metrics of all running pods of a target at the same time.
func (w *watch) readAll(ctx context.Context, t target) (map[string]families, error) {
	pods, err := w.pods(ctx, t.selector)
	if err != nil {
		return nil, err
	}
	var group sync.WaitGroup
	var lock sync.Mutex
	all := map[string]families{}
	for _, p := range pods {
		if p.Status.Phase != corev1.PodRunning || p.DeletionTimestamp != nil {
			continue
		}
		group.Go(func() {
			metrics, failure := w.scrape(ctx, p.Name, t.port)
			lock.Lock()
			defer lock.Unlock()
			if failure != nil {
				err = failure
			}
			all[string(p.UID)] = metrics
		})
	}
	group.Wait()
	return all, err
}

// cpuMetric is what Go's client of Prometheus calls the CPU time of a process.
const cpuMetric = "process_cpu_seconds_total"

// compare finds out what the EPP did between two readings.
func (w *watch) compare(before, after map[string]families) {
	if w.epp == nil || w.Problem != "" {
		return
	}
	var epp EPP
	for uid, now := range after {
		then := before[uid]
		cpu := now.sum(cpuMetric) - then.sum(cpuMetric)
		seconds, count := now.total(w.metrics.Scheduling)
		secondsBefore, countBefore := then.total(w.metrics.Scheduling)
		if then == nil || cpu < 0 || count < countBefore {
			w.failed(fmt.Errorf("an EPP pod was started during the run: what it did is not known"))
			return
		}
		epp.CPU += duration(cpu)
		epp.Decisions += count - countBefore
		epp.Deciding += duration(seconds - secondsBefore)
	}
	w.EPP = &epp
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
