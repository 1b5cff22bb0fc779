package main

// parking are the targets that park connections.
var parking = []string{"Socket"}

// parkMutants are bugs of connections that are parked: races between the sweep, the
// reader, the kernel's events and the end.
var parkMutants = []mutant{
	{
		name: "an-old-ticket-wakes-who-has-its-place", kind: stateLost, rule: "parking", in: "lot.claim",
		old: "p.turn != uint32(t>>32) || ", new: "", targets: parking,
	},
	{
		name: "ticket-told-when-the-socket-is-watched", kind: wrongOrder, rule: "parking", in: "lot.park",
		old: "at.Store(uint64(t))", new: "defer at.Store(uint64(t))", targets: parking,
	},
	{
		name: "parked-although-the-socket-cannot-be-watched", kind: droppedCheck, rule: "parking", in: "lot.park",
		old: "err == nil && errno == 0", new: "err == nil || errno != 0", targets: parking,
	},
	{
		name: "goes-on-although-somebody-has-woken-it", kind: droppedCheck, rule: "parking", in: "lot.park",
		old: "return !ok", new: "return false", targets: parking,
	},
	{
		name: "never-watched-again", kind: stateLost, rule: "parking", in: "lot.watch",
		old: "syscall.EPOLL_CTL_MOD", new: "syscall.EPOLL_CTL_ADD", targets: parking,
	},
	{
		name: "end-of-a-parked-connection-not-noticed", kind: notReleased, rule: "the end", in: "link.drop",
		old: "l.parking.wake()", new: "", targets: parking,
	},
	{
		name: "lot-waits-behind-the-last", kind: notReleased, rule: "parking", in: "lot.claim",
		old: "_ = l.file.SetReadDeadline(time.Unix(1, 0))", new: "", targets: parking,
	},
	{
		name: "lot-begins-with-a-deadline-in-the-past", kind: stateNotReset, rule: "parking", in: "lot.take",
		old: "_ = l.file.SetReadDeadline(time.Time{})", new: "", targets: parking,
	},
	{
		name: "interruption-taken-for-a-timeout", kind: droppedCheck, rule: "parking", in: "Websocket.wait",
		old: "c.parking.wasInterrupted() && ", new: "false && ", targets: parking,
	},
	{
		name: "deadline-in-the-past-kept", kind: stateNotReset, rule: "parking", in: "Websocket.goOn",
		old: "_ = c.transport.setReadDeadline(by)", new: "_ = by", targets: parking,
	},
	{
		name: "parked-past-its-deadline", kind: stateLost, rule: "ReadTimeout", in: "served.park",
		old: "s.owner.timed.add(s, ticks)", new: "_ = ticks", targets: parking,
	},
	{
		name: "parked-connection-not-counted-out", kind: stateNotReset, rule: "parking", in: "served.unpark",
		old: "s.owner.parked.Add(-1)", new: "", targets: parking,
	},
	{
		name: "busy-connection-swept-no-more", kind: stateLost, rule: "parking", in: "awake.sweepFresh",
		old: "a.owner.awake.add(awake{served: a.served}, patience[0])", new: "", targets: []string{"Handler"},
	},
	{
		name: "parked-while-it-is-interrupted", kind: wrongOrder, rule: "parking", in: "parking.leave",
		old: "case s == interrupting:", new: "case false:", targets: parking,
	},
	{
		name: "interruption-told-before-the-deadline", kind: wrongOrder, rule: "parking", in: "parking.sweep",
		old: "_ = src.SetReadDeadline(time.Unix(1, 0))\n\t\tp.state.Store(interrupted)", new: "p.state.Store(interrupted)\n\t\tdefer src.SetReadDeadline(time.Unix(1, 0))", targets: parking,
	},
	{
		name: "woken-for-its-deadline-once", kind: stateNotReset, rule: "ReadTimeout", in: "Websocket.wakeInTime",
		old: "c.in.clock.woken()", new: "", targets: []string{"Handler"},
	},
	{
		name: "what-has-come-of-a-message-given-back", kind: stateLost, rule: "parking", in: "Websocket.giveBack",
		old: "in.clock == nil && in.reader.Blank()", new: "in.clock == nil", targets: parking,
	},
	{
		name: "a-clock-given-back", kind: stateLost, rule: "ReadTimeout", in: "Websocket.giveBack",
		old: "in.clock == nil && in.reader.Blank()", new: "in.reader.Blank()", targets: parking,
	},
	{
		name: "ticket-not-given-up", kind: stateNotReset, rule: "parking", in: "Websocket.awake",
		old: "c.parking.awake()", new: "", targets: parking,
	},
}
