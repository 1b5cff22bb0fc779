package main

// endMutants are bugs of the life and the end of a connection: who reads it, what ends
// it, what is told of that, and pings.
var endMutants = []mutant{
	{
		name: "close-answered-with-1005", kind: droppedCheck, rule: "close-payload", in: "sendable",
		old: "return StatusNormalClosure", new: "return code", targets: reading,
	},
	{
		name: "close-answered-with-1000", kind: wrongCode, rule: "close-status", in: "Websocket.endRead",
		old: "protocol.PeerCloses, closed.Code", new: "protocol.PeerCloses, StatusNormalClosure+0*closed.Code", targets: reading,
		survives: "",
	},
	{
		name: "context-over-where-timeouts-are-set", kind: wrongBoundary, rule: "handler's context", in: "handlerContext.current",
		old: "c.ws.ending().has()", new: "(c.ws.ending().has() || c.ws.tell.settings().timesReads())", targets: []string{"Handler"},
	},
	{
		name: "failure-sends-no-close", kind: droppedCheck, rule: "failure-ends", in: "closing",
		old: "{Failed, SendClose | Settle", new: "{Failed, Settle", targets: reading,
	},
	{
		name: "failure-always-1002", kind: wrongCode, rule: "failure-ends", in: "link.failed",
		old: "protocol.PeerFails, code", new: "protocol.PeerFails, StatusProtocolError", targets: reading,
	},
	{
		name: "pongs-lost-at-the-end", kind: droppedCheck, rule: "ping-answered", in: "link.happens",
		old: "l.out.flush()", new: "", targets: serving,
	},
	{
		name: "failed-connection-not-drained", kind: droppedCheck, rule: "failure-ends", in: "transport.drain",
		old: "src != nil && most > 0", new: "src != nil && most < 0", targets: serving,
	},
	{
		name: "handler-error-always-1011", kind: wrongCode, rule: "Serve", in: "link.closeFor",
		old: "errorCode(err)", new: "StatusInternalError", targets: serving,
	},
	{
		name: "read-error-forgotten", kind: stateLost, rule: "ReadMessage", in: "ending.readEnds",
		old: "s.more().readErr = err", new: "_ = s", targets: serving,
	},
	{
		name: "read-error-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "ending.readEnds", race: true,
		old: "s := e.lock()\n\tdefer e.mu.Unlock()", new: "s := &e.ends", targets: serving,
	},
	{
		name: "serve-goes-on-behind-its-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.answer",
		old: "c.out.hasClosed()", new: "false", targets: serving,
	},
	{
		name: "handler-error-swallowed", kind: errorLost, rule: "Serve", in: "Websocket.answer",
		old: "if err != nil {\n\t\t\tc.closeFor", new: "if err != nil && reply != nil {\n\t\t\tc.closeFor", targets: serving,
	},
	{
		name: "panic-leaves-the-connection-open", kind: notReleased, rule: "Serve", in: "Websocket.leave",
		old: "c.closeFor(errPanic)", new: "_ = errPanic", targets: serving,
	},
	{
		name: "message-not-flushed-when-returned", kind: stateLost, rule: "ReadMessage", in: "Websocket.delivered",
		old: "if c.in.gathered {", new: "if false {", targets: serving,
	},
	{
		name: "two-readers", kind: dataRace, rule: "ReadMessage", in: "ending.become",
		old: "s.reader != nobody || s.state", new: "s.state", targets: serving,
	},
	{
		name: "readers-role-kept", kind: notReleased, rule: "ReadMessage", in: "ending.leave",
		old: "s.reader = nobody", new: "", targets: serving,
	},
	{
		name: "transport-left-open", kind: notReleased, rule: "the end", in: "transport.close",
		old: "t.src.Close()", new: "t.src", targets: serving,
	},
	{
		name: "end-not-reported", kind: droppedCheck, rule: "OnClose", in: "teller.closed",
		old: "t.opts.Hooks.OnClose != nil", new: "t.opts.Hooks.OnClose != nil && err != nil", targets: serving,
	},
	{
		name: "serve-returns-before-the-end-is-reported", kind: wrongOrder, rule: "OnClose", in: "Websocket.step",
		old: "_ = c.endRead(err, true)\n\t<-c.ending().told()", new: "go func() { _ = c.endRead(err, true) }()", targets: serving,
	},
	{
		name: "hooks-panic-leaves-the-connection-open", kind: notReleased, rule: "hooks", in: "Websocket.leave",
		old: "c.failHook()", new: "", targets: serving,
	},
	{
		name: "peers-close-not-settled", kind: stateLost, rule: "OnClose", in: "closing",
		old: "{CloseReceived, SendClose | Settle", new: "{CloseReceived, SendClose", targets: serving,
	},
	{
		name: "timeout-closes-with-1002", kind: wrongCode, rule: "ReadTimeout", in: "Websocket.endRead",
		old: "protocol.NewError(StatusPolicyViolation", new: "protocol.NewError(StatusProtocolError", targets: serving,
	},
	{
		name: "lingering-keeps-the-read-deadline", kind: stateNotReset, rule: "CloseTimeout", in: "link.drain",
		old: "_ = l.transport.setReadDeadline(time.Time{})", new: "", targets: serving,
	},
	{
		name: "write-side-left-open-behind-a-failure", kind: notReleased, rule: "failure-ends", in: "link.drain",
		old: "l.out.shutWhenWritten()", new: "", targets: serving,
	},
	{
		name: "context-forgotten-behind-a-failure", kind: wrongOrder, rule: "contexts", in: "link.drain",
		old: "l.out.shutWhenWritten()", new: "l.end.linger()\n\t\tl.out.shutWhenWritten()", targets: serving,
	},
	{
		name: "hooks-told-of-a-close-not-sent", kind: droppedCheck, rule: "hooks", in: "link.happens",
		old: "if do&protocol.SendClose != 0 {", new: "if do&(protocol.SendClose|protocol.Settle) != 0 {", targets: serving,
	},
	{
		name: "invalid-close-code-sent", kind: droppedCheck, rule: "CloseWithStatus", in: "link.startClosing",
		old: "err != nil {", new: "err != nil && code == 0 {", targets: serving,
	},
	{
		name: "close-reason-dropped", kind: wrongBytes, rule: "CloseWithStatus", in: "link.startClosing",
		old: "code, nil, reason)", new: `code, nil, "")`, targets: serving,
	},
	{
		name: "ping-forgets-its-context", kind: droppedCheck, rule: "Ping", in: "link.Ping",
		old: "case <-ctx.Done():\n\t\treturn ctx.Err()\n", new: "", targets: serving,
	},
	{
		name: "idle-peer-not-pinged", kind: droppedCheck, rule: "PingInterval", in: "link.keepAlive",
		old: "silent && l.control(OpcodePing, l.pings.number())", new: "silent", targets: serving,
	},
	{
		name: "keepalive-runs-once", kind: noDeadline, rule: "PingInterval", in: "rota.add",
		old: "t.over || r.interval <= 0", new: "t.over || r.interval <= 0 || t.who != nil", targets: serving,
	},
	{
		name: "one-alone-is-told-to-ping", kind: stateLost, rule: "PingInterval", in: "rota.tell",
		old: "for who := r.take(); who != nil; who = r.take() {", new: "if who := r.take(); who != nil {", targets: serving,
	},
	{
		name: "next-ping-a-whole-interval-behind-the-last-one", kind: noDeadline, rule: "PingInterval", in: "rota.take",
		old: "r.arm(wait)", new: "r.arm(r.interval)", targets: serving,
	},
	{
		name: "ended-connection-back-on-the-rota", kind: droppedCheck, rule: "PingInterval", in: "rota.add",
		old: "t.over || ", new: "", targets: serving,
	},
	{
		name: "answering-peer-given-up", kind: wrongBoundary, rule: "PingInterval", in: "pinger.tick",
		old: "since == 0 && all.asked", new: "since <= 2 && all.asked", targets: serving,
	},
	{
		name: "ended-twice", kind: stateLost, rule: "OnClose", in: "ending.on",
		old: "s.state, do = s.state.On(event)", new: "state, action := s.state.On(event)\n\tif do = action; state != protocol.Ended {\n\t\ts.state = state\n\t}", targets: serving,
	},
	{
		name: "closing-handshake-without-bound", kind: noDeadline, rule: "CloseTimeout", in: "ending.bound",
		old: "time.AfterFunc(d, lost)", new: "time.AfterFunc(time.Hour, lost)", targets: serving,
	},
	{
		name: "context-not-watched", kind: droppedCheck, rule: "contexts", in: "ending.become",
		old: "if current {", new: "if current && done == nil {", targets: serving,
	},
	{
		name: "reading-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "ending.leave", race: true,
		old: "s := e.lock()\n\tdefer e.mu.Unlock()", new: "s := &e.ends", targets: serving,
	},
	{
		name: "dead-peer-kept", kind: noDeadline, rule: "PingInterval", in: "pinger.tick",
		old: "since == 0 && all.asked", new: "false && all.asked", targets: serving,
	},
	{
		name: "pong-wakes-only-earlier-pings", kind: offByOne, rule: "Ping", in: "pinger.answered",
		old: "n <= number", new: "n < number", targets: serving,
	},
}
