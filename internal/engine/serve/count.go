package serve

// A Counter counts the messages of one connection. Only the goroutine that
// serves the connection adds; any other may read.
type Counter struct{ messages, in, out word }

func (c *Counter) add(in, out int) {
	c.messages.add(1)
	c.in.add(uint64(in))
	c.out.add(uint64(out))
}

// totals are sums over connections.
type totals struct{ messages, in, out uint64 }

// count adds what c has counted so far.
func (t *totals) count(c *Counter) {
	t.messages += c.messages.load()
	t.in += c.in.load()
	t.out += c.out.load()
}
