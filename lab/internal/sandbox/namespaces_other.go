//go:build !linux

package sandbox

import "syscall"

// namespaces exist on Linux only; Supported says so before anyone comes here.
func namespaces() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
