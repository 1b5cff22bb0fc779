package main

import (
	"errors"
	"fmt"
	"strings"
)

// explained are changes that nothing can find, and why. A change at random that
// equals one of them is set aside by it.
var explained = []explanation{
	// What lets hasAVX2 say yes too often is a bug, which a processor with AVX2 cannot show; what
	// makes it say no is none.
	{in: "hasAVX2", old: "most < 7", new: "most >= 7", cost: true, why: "the code without assembly runs, which is right as well"},
	{in: "hasAVX2", old: "c&osxsave == 0 || c&avx == 0", new: "c&osxsave != 0 || c&avx == 0", cost: true, why: "the code without assembly runs"},
	{in: "hasAVX2", old: "c&osxsave == 0 || c&avx == 0", new: "c&osxsave == 0 || c&avx != 0", cost: true, why: "the code without assembly runs"},
	{in: "hasAVX2", old: "c&osxsave == 0 || c&avx == 0", new: "!(c&osxsave == 0 || c&avx == 0)", cost: true, why: "the code without assembly runs"},
	{in: "hasAVX2", old: "xgetbv()&sseAndAVXState != sseAndAVXState", new: "xgetbv()&sseAndAVXState == sseAndAVXState", cost: true, why: "the code without assembly runs"},
	{in: "hasAVX2", old: "b&avx2 != 0", new: "b&avx2 == 0", cost: true, why: "the code without assembly runs"},
	{in: "poolSize", cost: true, why: "which pool a buffer comes from"},
	{in: "bufferSizes", cost: true, why: "which sizes the pools have"},
	{in: "readAhead", cost: true, why: "how much is read ahead"},
	{in: "directLeast", cost: true, why: "from which length on a payload is read to its place"},
	{in: "unmaskStep", cost: true, why: "how much is read and unmasked at once"},
	{in: "streamBuffer", cost: true, why: "how much is read ahead where the transport is no socket"},
	{in: "streamStep", cost: true, why: "how much is read at once"},
	{in: "socketStep", cost: true, why: "how much is read at once"},
	{in: "quickMost", cost: true, why: "for how many bytes the scheduler is not told of a call"},
	{in: "writeStep", cost: true, why: "how much of a message is marshalled before it is written"},
	{in: "history.words", old: "return h.ring[at:end], true", new: "return h.ring[at:end], false", cost: true, why: "the octets are copied one by one"},
	{in: "encoder.within", old: "\tx.catchUp(e.join, len(kept), base)\n", new: "", cost: true, why: "matches that begin in the last octets of the message before are not found"},
	{in: "inflater.decode", old: "src = src[:len(src)+lookahead]", new: "", cost: true, why: "the last symbols are decoded one by one"},
	{in: "inflater.blocks", old: "m.take(m.nhold & 7)\n\t\t\t\tm.state = stateStored", new: "m.state = stateStored\n\t\t\t\tm.take(m.nhold & 7)", why: "each leaves alone what the other one sets"},
	{in: "Writer.Control", old: "w.queue.Bytes = appendFrame(w.queue.Bytes, finBit|byte(opcode), payload, w.mode.maskingKey())\n\tw.closed = opcode == OpcodeClose", new: "w.closed = opcode == OpcodeClose\n\tw.queue.Bytes = appendFrame(w.queue.Bytes, finBit|byte(opcode), payload, w.mode.maskingKey())", why: "each leaves alone what the other one sets"},
	{in: "fixedLitlens", old: "{5: 32}", new: "{5: 31}", why: "how many words have the last length does not matter for those words"},
	{in: "dialer.handshake", old: "response.Body = http.NoBody\n\tdone.subprotocol, failure = checkAnswer(response, d.key, d.opts.Subprotocols)", new: "done.subprotocol, failure = checkAnswer(response, d.key, d.opts.Subprotocols)\n\tresponse.Body = http.NoBody", why: "the check does not look at the body"},
	{in: "newRequest", old: "basicAuthorization(user)", new: "basicAuthorization(target.User)", why: "that is the same"},
	{in: "dialer.handshake", old: "\tresponse.Body = http.NoBody\n", new: "", why: "that is what net/http makes of a 101, too"},
	{in: "Websocket.beforeWaiting", old: "c.in.gathered = false\n\t\tc.out.flushForRoom(c.tell.settings().MaxPending)", new: "c.out.flushForRoom(c.tell.settings().MaxPending)\n\t\tc.in.gathered = false", why: "gathered is the reader's own"},
	{in: "pinger.next", old: "AppendUint64(nil, number)", new: "AppendUint64(nil, all.last)", why: "that is the number"},
	{in: "link.drop", old: "l.pings.stop(l.tell.settings().pingRota())\n\tl.out.end()", new: "l.out.end()\n\tl.pings.stop(l.tell.settings().pingRota())", why: "neither knows of the other"},
	{in: "teller.seesWrites", old: "!t.opts.quiet && t.opts", new: "!t.opts.quiet || t.opts", cost: true, why: "frames are made that nobody is told of"},
	{in: "inbound.onReadable", old: "for errno == syscall.EINTR {\n\t\tn, errno = receive(fd, space[:min(len(space), socketStep)])", new: "for errno == syscall.EINTR {\n\t\tn, errno = receive(fd, space)", cost: true, why: "how much is read at once"},
	{in: "wheel.arm", old: "\t\tw.armed = 0\n\t\treturn\n", new: "\t\tw.armed = 0\n", cost: true, why: "the timer runs once more, for nothing"},
	{in: "wheel.visitAll", old: "\tif w.filled&(1<<i) == 0 {\n\t\treturn\n\t}\n", new: "\tif w.filled&(1<<i) == 0 {\n\t}\n", cost: true, why: "memory for the next bucket is not kept"},
	{in: "withRoom", old: "\t\tb.Free()\n", new: "", cost: true, why: "what goes back to a pool"},
	{in: "outbound.doze", cost: true, why: "when the memory of quiet compressors is given back"},
	{in: "sweep.add", cost: true, why: "which memory of quiet compressors is given back"},
	{in: "wheel.visitAll", old: "\tif w.filled&(1<<i) == 0 {\n\t\treturn\n\t}\n", new: "", cost: true, why: "memory for the next bucket is not kept"},
	{in: "Options.setDefaults", old: "\torDefault(&o.MaxMessageSize, DefaultMaxMessageSize)\n\torDefault(&o.MaxPending, defaultMaxPending)\n", new: "\torDefault(&o.MaxPending, defaultMaxPending)\n\torDefault(&o.MaxMessageSize, DefaultMaxMessageSize)\n", why: "each sets a field of its own"},
	{in: "Options.setDefaults", old: "\torDefault(&o.MaxFrameSize, DefaultMaxFrameSize)\n\torDefault(&o.MaxMessageSize, DefaultMaxMessageSize)\n", new: "\torDefault(&o.MaxMessageSize, DefaultMaxMessageSize)\n\torDefault(&o.MaxFrameSize, DefaultMaxFrameSize)\n", why: "each sets a field of its own"},
	{in: "Options.setDefaults", old: "\torDefault(&o.MaxPending, defaultMaxPending)\n\torDefault(&o.LingerBytes, defaultLingerBytes)\n", new: "\torDefault(&o.LingerBytes, defaultLingerBytes)\n\torDefault(&o.MaxPending, defaultMaxPending)\n", why: "each sets a field of its own"},
	{in: "Options.setDefaults", old: "\torDefault(&o.LingerBytes, defaultLingerBytes)\n\torDefault(&o.CloseTimeout, defaultCloseTimeout)\n", new: "\torDefault(&o.CloseTimeout, defaultCloseTimeout)\n\torDefault(&o.LingerBytes, defaultLingerBytes)\n", why: "each sets a field of its own"},
	{in: "outbound.write", old: "len(buf.Bytes)+fragments.NextSize() > cap(buf.Bytes)", new: "len(buf.Bytes)+fragments.NextSize() >= cap(buf.Bytes)", cost: true, why: "how much of a message is marshalled before it is written"},
	{in: "served.end", old: "go s.leave()", new: "s.leave()", cost: true, why: "the goroutine that served lives until the end"},
	{in: "outbound.write", old: "\t\t\t\treturn nil, false, err\n", new: "\t\t\t\treturn nil, true, err\n", why: "with an error it is not looked at"},
	{in: "served.unpark", old: "slept < s.owner", new: "slept <= s.owner", cost: true, why: "how soon it is parked again"},
	{in: "mostSpare", cost: true, why: "how much memory a wheel keeps for the next bucket"},
	{in: "wheel.visitAll", old: "\t\tw.spare = things[:0]\n", new: "", cost: true, why: "memory for the next bucket is not kept"},
	{in: "served.end", old: "\tif s.ws().ending().has() {\n\t\ts.leave()\n\t\treturn\n\t}\n", new: "", cost: true, why: "another goroutine sees it off"},
	{in: "HTTPHandler.begun", old: "h.sayGoodbye(s)", new: "h.sayGoodbye(h.first)", why: "s is the first"},
	{in: "Websocket.reply", old: "!unchanged && !msg.Binary", new: "!msg.Binary", cost: true, why: "it is checked twice"},
	{in: "sweep.arm", cost: true, why: "when the memory of quiet compressors is looked for"},
	{in: "sweep.tick", cost: true, why: "which memory of quiet compressors is given back"},
	{in: "restAfter", cost: true, why: "when the memory of quiet compressors is given back"},
	{in: "Writer.Control", old: "maxHeaderSize + len(payload)", new: "maxHeaderSize - len(payload)", cost: true, why: "how much is set aside in advance"},
	{in: "maskBy", old: "len(src) >= 16 && len(dst) >= 16", new: "len(src) >= 16 && len(dst) >= 17", cost: true, why: "what follows takes the last octets"},
	{in: "inflater.fill", old: "m.nhold < 56", new: "m.nhold < 56+1", cost: true, why: "with 56 there is room for none"},
	{in: "splitLast", old: "b >= 0xE0", new: "b >= 223", cost: true, why: "what is split off is looked at one by one, whole or not"},
	{in: "splitLast", old: "\t\tif b < 0x80 {\n\t\t\tbreak\n\t\t}\n", new: "", cost: true, why: "what is split off is looked at one by one, right or not"},
	{in: "ValidUTF8", old: "&high == 0", new: "|high == 0", cost: true, why: "a short cut"},
	{in: "inflater.decode", old: "m.state = stateBlock\n\t\t\t\tbreak\n", new: "m.state = stateBlock\n", why: "the end of a block is a special entry, too, which ends the loop"},
	{in: "checkAnswer", old: "refuse(0, \"the server answered by", new: "refuse(response.ProtoMinor, \"the server answered by", why: "its caller sets the status"},
	{in: "Frame.Read", old: "h.length(), h.key()", new: "h.length(), h.mask", why: "that is the key"},
	{in: "Writer.Message", old: "TakeBuffer(2 + shortMost)", new: "TakeBuffer(3 + shortMost)", cost: true, why: "how much is set aside in advance"},
	{in: "history.add", old: "\toctets = octets[max(0, len(octets)-window):]\n", new: "", why: "what is more than the ring holds is left out once more"},
	{in: "inflater.copyStored", old: "m.nhold > 0", new: "m.nhold > 1", why: "there are whole octets in hold, of 8 bits each"},
	{in: "inflater.header", old: "\t\tif length == 0 {\n\t\t\tclear(run)\n\t\t\tcontinue\n\t\t}\n", new: "", cost: true, why: "zeros are written one by one"},
	{in: "encoder.within", old: "n <= short ||", new: "n <= short+1 ||", cost: true, why: "how hard matches are looked for"},
	{in: "encoder.fixedBits", cost: true, why: "which type of block is taken"},
	{in: "Buffer.Free", old: "\t\t\treturn\n\t\t}\n\t}\n", new: "\t\t\treturn\n\t\t}\n\tbreak\n}\n", cost: true, why: "what goes back to a pool"},
	{in: "inbound.init", old: "in.reader.ReadAhead(streamBuffer)", new: "", cost: true, why: "how much is read ahead"},
	{in: "Compression.accept", old: "c == nil || len(offers) == 0", new: "c == nil", cost: true, why: "a short cut: of no offers none is taken"},
	{in: "served.logPanic", old: "stack[:runtime.Stack(stack, false)]", new: "stack[:runtime.Stack(stack, false)-1]", why: "how much of a stack stands in the log is nobody's promise"},
	{in: "NewHandler", old: "h.opts.ParkAfter/ticksIdle,", new: "h.opts.ParkAfter/(ticksIdle-1),", cost: true, why: "how soon it is parked, within what is promised"},
	{in: "inbound.onReadable", old: "n, errno := receive(fd, space[:min(len(space), socketStep)])", new: "n, errno := receive(fd, space[:])", cost: true, why: "how much is read at once"},
	{in: "inbound.onReadable", old: "for errno == syscall.EINTR {\n\t\tn, errno = receive(fd, space[:min(len(space), socketStep)])", new: "for errno == syscall.EINTR {\n\t\tn, errno = receive(fd, space[:])", cost: true, why: "how much is read at once"},
	{in: "Websocket.park", old: "\tif !c.in.waited() {\n\t\treturn false\n\t}\n", new: "", cost: true, why: "a buffer may stay with who is parked"},
	{in: "serverValues.of", old: "\t\tlast = &valuesOf{server, shared(context.WithValue(context.Background(), http.ServerContextKey, server))}\n\t\ts.last.Store(last)\n", new: "\t\ts.last.Store(last)\n\t\tlast = &valuesOf{server, shared(context.WithValue(context.Background(), http.ServerContextKey, server))}\n", cost: true, why: "the values are made anew for each connection"},
	{in: "transport.write", old: "slices.Chunk(p, writeStep)", new: "slices.Chunk(p, (writeStep + 1))", cost: true, why: "how much is written at once"},
	{in: "wheel.visitAll", old: "cap(things) <= mostSpare", new: "cap(things) < mostSpare", cost: true, why: "memory for the next bucket is not kept"},
	{in: "wheel.turn", old: "w.armed = 0", new: "w.armed = 1", why: "the next tick is never the first"},
	{in: "wheel.add", old: "\tw.done = max(w.done, min(now, w.next()-1)) // nothing was due meanwhile\n\tw.put(thing, now, ticks)\n", new: "\tw.put(thing, now, ticks) // nothing was due meanwhile\n\tw.done = max(w.done, min(now, w.next()-1))\n", cost: true, why: "what is due much later is looked at sooner, and put off"},
	{in: "Websocket.reply", old: "\t\tc.in.gathered = false\n", new: "", cost: true, why: "the queue is looked at once more"},
	{in: "pinger.ticked", old: "\tall.mu.Unlock()\n\tr.add(&all.turn, who)\n", new: "\tr.add(&all.turn, who)\n\tall.mu.Unlock()\n", why: "a lock is held for longer"},
	{in: "socketCall", old: "len(p) <= quickMost", new: "len(p) < quickMost", cost: true, why: "for how many bytes the scheduler is not told of a call"},
	{in: "withRoom", old: "TakeBuffer(len(b.Bytes) + n)", new: "TakeBuffer(len(b.Bytes) - n)", cost: true, why: "how much is set aside in advance"},
	{in: "leastTick", cost: true, why: "what wheels cost at most"},
	{in: "parse", old: "\t\t\t\tparam.valued = true\n\t\t\t\tparam.value = p.value()\n", new: "\t\t\t\tparam.value = p.value()\n\t\t\t\tparam.valued = true\n", why: "each leaves alone what the other one sets"},
	{in: "FrameReader.largePayload", old: "large := r.large[:len(b)]", new: "large := r.buf[:len(b)]", cost: true, why: "which memory is used again"},
	{in: "maskBy", old: "for len(src) >= 128 && len(dst) >= 128", new: "for len(src) >= 128 && !(len(dst) >= 128)", cost: true, why: "what follows masks 8 octets at once"},
	{in: "window.open", old: "size+max(256, size/4)", new: "size+min(256, size/4)", cost: true, why: "how often octets move"},
	{in: "readHeader", old: "missing == partLength2 || missing == partLength8", new: "missing == partLength2 || missing == partHeader", cost: true, why: "a masking key is asked for by itself"},
	{in: "Options.isZero", old: "o.ParkAfter == 0", new: "o.ParkAfter == 1", cost: true, why: "settings of one's own for options that say nothing; New and Accept do not park"},
	{in: "lot.place", old: "[(i-1)%placesMore]", new: "[(i-0)%placesMore]", why: "each has a place of its own in either way"},
	{in: "awake.sweepFresh", old: "a.busy < freshSweeps", new: "a.busy <= freshSweeps", cost: true, why: "how soon it is parked"},
	{in: "outbound.write", old: "\tif buf == nil && r != nil && r.Whole() != nil {\n\t\tif err := o.writeWaiting(ctx, r.Whole()); err != nil {\n\t\t\treturn nil, false, err\n\t\t}\n\t\treturn frames, true, nil\n\t}\n", new: "", cost: true, why: "the frames are made once more"},
	{in: "lengthCode", old: "[maxMatch - minMatch + 1]uint8", new: "[maxMatch - (minMatch - 1) + 1]uint8", cost: true, why: "a row more that is not looked at"},
	{in: "inflater.header", old: "clear(m.lenOf[:maxCodeLens])", new: "clear(m.lenOf[:(maxCodeLens - 1)])", why: "the last one stands in each header"},
	{in: "Reader.glanceMessage", old: "n > r.limits.MaxMessageSize {", new: "n > r.limits.MaxMessageSize-1 {", cost: true, why: "the message is read without a glance"},
}

// An explanation says why nothing can find a change, or a class of changes.
type explanation struct {
	in       string // the function, constant, variable or type
	old, new string // the change, as in a row of the tables; without old: any change in there
	// cost: it can change only how much time or memory something takes. Then it
	// counts apart, whether something finds it or not.
	cost bool
	why  string
}

// explain sets a change at random aside if something explains it.
func (c *core) explain(m *mutant, in string) {
	for _, e := range explained {
		row := mutant{name: "explained", in: e.in, old: e.old, new: e.new}
		switch {
		case e.old == "" && e.in != in:
			continue
		case e.old != "":
			if c.apply(&row) != nil { // stale rows are for -check
				continue
			}
			same := true
			for name, text := range row.changed {
				same = same && squeezed(m.changed[name]) == squeezed(text)
			}
			if !same {
				continue
			}
		}
		if e.cost {
			m.cost = true
		} else {
			m.survives = e.why
		}
		return
	}
}

// checkExplained returns an error that names the explanations of what is no longer
// there.
func (c *core) checkExplained() error {
	var errs []error
	for _, e := range explained {
		_, err := c.find(e.in, e.old)
		if err == nil && e.why == "" {
			err = fmt.Errorf("%s: nothing is explained", e.in)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("explained.go: %w", err))
		}
	}
	return errors.Join(errs...)
}

// squeezed is a text without its blanks.
func squeezed(text []byte) string { return strings.Join(strings.Fields(string(text)), "") }
