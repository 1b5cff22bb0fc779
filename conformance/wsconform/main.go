// Command wsconform runs the cases of the Autobahn suite against a WebSocket
// server, or against clients, without Docker and Python.
//
//	wsconform                                     the core's echo server
//	wsconform -engine all -report-dir reports     all five engines, one matrix
//	wsconform -target ws://127.0.0.1:9001/echo    a server of yours
//	wsconform -role client                        the core's client
//	wsconform -listen 127.0.0.1:9001              clients of yours, that connect
//
// It exits with 1 where a case failed, and with 2 where it could not run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errFailed):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "wsconform:", err)
		os.Exit(2)
	}
}
