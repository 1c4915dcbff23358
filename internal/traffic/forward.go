package traffic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// Forward opens a connection from this machine to a ready pod behind a Service, as `kubectl
// port-forward` does, and returns its URL. It stays open until ctx ends. If the Service has
// several ports, Forward uses the one named http.
func Forward(ctx context.Context, config *rest.Config, namespace, service string) (string, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	targets, err := behind(ctx, client, namespace, service)
	if err != nil {
		return "", err
	}
	return forward(ctx, config, client, targets[0])
}

// Reach returns a URL for each ready pod behind a Service: the pod's own address if this
// machine has a route to it, or else one as of Forward. A load that is spread over all of them
// is balanced, while one connection to a Service would stay at a single pod.
func Reach(ctx context.Context, config *rest.Config, namespace, service string) ([]string, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	targets, err := behind(ctx, client, namespace, service)
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(targets))
	for i, t := range targets {
		address := net.JoinHostPort(t.pod.Status.PodIP, strconv.Itoa(int(t.port)))
		if conn, err := net.DialTimeout("tcp", address, routeTimeout); err == nil {
			urls[i] = "http://" + address
			_ = conn.Close()
		} else if urls[i], err = forward(ctx, config, client, t); err != nil {
			return nil, err
		}
	}
	return urls, nil
}

// routeTimeout is enough for a pod on a network that this machine has a route to.
const routeTimeout = time.Second

// target is a pod and its port for HTTP.
type target struct {
	pod  corev1.Pod
	port int32
}

func forward(ctx context.Context, config *rest.Config, client kubernetes.Interface, t target) (string, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return "", err
	}
	url := client.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(t.pod.Namespace).Name(t.pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ready := make(chan struct{})
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", t.port)}, ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return "", fmt.Errorf("forwarding to pod %s: %w", t.pod.Name, err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local), nil
}

// behind finds the ready pods of a Service, at least one.
func behind(ctx context.Context, client kubernetes.Interface, namespace, name string) ([]target, error) {
	service, err := client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Name == "http" || len(service.Spec.Ports) == 1
	})
	if i < 0 {
		return nil, fmt.Errorf("service %s has no port named http", name)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String(),
	})
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, p := range pods.Items {
		if ready(p) {
			targets = append(targets, target{p, containerPort(p, service.Spec.Ports[i])})
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("no pod of service %s in namespace %s is ready", name, namespace)
	}
	return targets, nil
}

func ready(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// containerPort resolves a target port, which may be a name.
func containerPort(pod corev1.Pod, port corev1.ServicePort) int32 {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == port.TargetPort.StrVal {
				return p.ContainerPort
			}
		}
	}
	if n := port.TargetPort.IntVal; n != 0 {
		return n
	}
	return port.Port
}
