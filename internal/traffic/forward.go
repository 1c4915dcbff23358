package traffic

import (
	"context"
	"fmt"
	"io"
	"net/http"

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
	pod, target, err := behind(ctx, client, namespace, service)
	if err != nil {
		return "", err
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return "", err
	}
	url := client.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ready := make(chan struct{})
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", target)}, ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return "", fmt.Errorf("forwarding to pod %s: %w", pod, err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local), nil
}

// behind finds a ready pod of a Service, and the pod's port for HTTP.
func behind(
	ctx context.Context, client kubernetes.Interface, namespace, name string,
) (pod string, target int32, err error) {
	service, err := client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", 0, err
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String(),
	})
	if err != nil {
		return "", 0, err
	}
	for _, p := range pods.Items {
		if !ready(p) {
			continue
		}
		for _, sp := range service.Spec.Ports {
			if sp.Name == "http" || len(service.Spec.Ports) == 1 {
				return p.Name, containerPort(p, sp), nil
			}
		}
		return "", 0, fmt.Errorf("service %s has no port named http", name)
	}
	return "", 0, fmt.Errorf("no pod of service %s in namespace %s is ready", name, namespace)
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
