package serve

// A counter counts the messages of one connection. Only the goroutine that
// serves the connection adds; any other may read.
type counter struct{ messages, in, out word }

func (c *counter) add(in, out int) {
	c.messages.add(1)
	c.in.add(uint64(in))
	c.out.add(uint64(out))
}

// totals are sums over connections.
type totals struct{ messages, in, out uint64 }

// count adds what c has counted so far.
func (t *totals) count(c *counter) {
	t.messages += c.messages.load()
	t.in += c.in.load()
	t.out += c.out.load()
}
