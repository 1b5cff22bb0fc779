package main

import (
	"testing"

	"github.com/wsproof/wsproof/websocket"
)

func skipStub(t *testing.T, engine string) {
	if engine == "core" && websocket.New(nil, "", websocket.ServerMode, websocket.Options{}) == nil {
		t.Skip("package websocket is not built yet")
	}
}
