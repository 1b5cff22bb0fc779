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
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("wsconform", run)
}
