// Command wsconform runs the cases of the Autobahn suite, and this project's own,
// against a WebSocket server, or against clients, without Docker and Python.
//
//	wsconform                                     the core's echo server
//	wsconform -engine all -report-dir reports     all engines, one matrix
//	wsconform -target ws://127.0.0.1:9001/echo    a server of yours
//	wsconform -role client                        the core's client
//	wsconform -client 'node echo.js {url}'        a client of yours
//	wsconform -listen 127.0.0.1:9001              clients of yours, that connect
//
// It exits with 1 where a case failed, and with 2 where it could not run.
package main

import (
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/conform"
)

func main() {
	cli.Main("wsconform", conform.Run)
}
