package main

import "github.com/wsproof/wsproof/fuzz/peers"

// A bug is one of an old version of a library that the search must find again.
type bug struct {
	module  string
	version string // that has it
	fixed   string // the first version without it
	what    string
	kind    peers.Kind // of the finding that is it
	rules   []string   // one of them; none: whatever the rule is
}

// bugs is the list that is kept.
var bugs = []bug{
	{
		module: "github.com/gorilla/websocket", version: "v1.4.0", fixed: "v1.4.1",
		what: "CVE-2020-27813: a 64-bit length with the top bit set is taken",
		kind: "", rules: []string{"length-top-bit"},
	},
	{
		module: "github.com/gorilla/websocket", version: "v1.5.0", fixed: "v1.5.1",
		what: "a server takes a key that is not base64 of 16 bytes",
		kind: peers.Accepts, rules: []string{"key-of-16-bytes"},
	},
	{
		module: "github.com/lxzan/gws", version: "v1.6.0", fixed: "v1.7.0",
		what: "a new data frame inside a fragmented message is taken",
		kind: peers.Accepts, rules: []string{"continuation-expected"},
	},
	{
		module: "github.com/gobwas/ws", version: "v0.1.0", fixed: "v1.0.0",
		what: "invalid UTF-8 across fragments is taken",
		kind: peers.Accepts, rules: []string{"text-not-utf8"},
	},
	{
		module: "github.com/coder/websocket", version: "v1.8.12", fixed: "v1.8.13",
		what: "frames behind the peer's Close are still answered",
		kind: peers.Sends, rules: []string{"frames-after-its-close"},
	},
	{
		module: "nhooyr.io/websocket", version: "v1.8.6", fixed: "v1.8.7",
		what: "a second pong for a ping panics",
		kind: peers.Crashes, rules: nil,
	},
	{
		module: "github.com/lxzan/gws", version: "v1.8.1", fixed: "v1.8.2",
		what: "a compressed message inflates past the limit",
		kind: peers.Accepts, rules: []string{"inflated-too-large"},
	},
	{
		module: "github.com/lesismal/nbio", version: "v1.5.9", fixed: "v1.5.12",
		what: "RSV1 is set on each frame of a compressed message",
		kind: peers.Sends, rules: []string{"compressed-continuation"},
	},
	{
		module: "github.com/coder/websocket", version: "v1.8.14", fixed: "v1.8.15",
		what: "a short compressed message is sent in several frames",
		kind: peers.Sends, rules: []string{"sent-short-message-in-many"},
	},
	{
		module: "github.com/gobwas/ws", version: "v1.4.0", fixed: "v1.5.0",
		what: "a compressed message ends with an empty block and the beginning of another",
		kind: peers.Sends, rules: []string{"sent-tail"},
	},
}
