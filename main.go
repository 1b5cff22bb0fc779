// Command wsproof proves WebSocket servers and clients of any language: it holds
// them to the rules of RFC 6455, loads them, and serves as one.
//
//	go install github.com/wsproof/wsproof@latest
//	wsproof -h
//
// The library is in the folder websocket, and depends on nothing of this.
package main

import (
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/command"
)

func main() { cli.Main("wsproof", command.Run) }
