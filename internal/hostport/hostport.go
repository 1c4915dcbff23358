// Package hostport reads addresses of servers: host:port.
package hostport

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Parse splits an address into a DNS name, or an IP address, and a port.
func Parse(address string) (host string, port int32, err error) {
	if strings.Contains(address, "://") {
		return "", 0, fmt.Errorf("%q has a scheme", address)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err //nolint:wrapcheck // It names the address.
	}
	if reasons := validation.IsDNS1123Subdomain(strings.TrimSuffix(host, ".")); net.ParseIP(host) == nil && len(reasons) > 0 {
		return "", 0, fmt.Errorf("host %q: %s", host, reasons[0])
	}
	number, err := strconv.ParseUint(service, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("port %q must be within 1 to 65535", service)
	}
	return host, int32(number), nil
}
