//go:build !linux

package sandbox

import "syscall"

// namespaces exist on Linux only, and Supported fails elsewhere.
func namespaces() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
