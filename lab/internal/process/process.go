// Package process ends programs the way their users expect: an interrupted program gets
// the time to wind down.
package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is the time that an interrupted program has to end before it is killed.
const patience = 60 * time.Second

// Signal is the cause of a context that a signal ended.
type Signal struct{ os.Signal }

// Error names the signal.
func (s Signal) Error() string { return "stopped by signal: " + s.String() }

// Context returns a context that ends with the first interrupt or termination signal.
// stop releases it.
func Context() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			cancel(Signal{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// Graceful returns a command that receives exactly one interrupt when ctx ends, and is
// killed a minute later. Pulumi, for one, takes a second interrupt as an order to drop
// everything, which leaves locks and pending operations behind.
func Graceful(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = patience
	atTerminal := foreground()
	if !atTerminal {
		// Whoever signals this process's group does not reach the command as well.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.Cancel = func() error {
		if atTerminal && errors.Is(context.Cause(ctx), Signal{os.Interrupt}) {
			return nil // The terminal interrupts the whole group.
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	return cmd
}

// foreground reports whether the terminal's Ctrl-C reaches this process and its children.
func foreground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
