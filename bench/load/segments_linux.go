package load

import (
	"net"

	"golang.org/x/sys/unix"
)

// segments counts the TCP segments with data that the connections have received so
// far, or returns -1 where the system does not tell (or TLS is in between).
func segments(conns []*conn) int64 {
	var sum int64
	for _, c := range conns {
		tcp, ok := c.Conn.(*net.TCPConn)
		if !ok {
			return -1
		}
		raw, err := tcp.SyscallConn()
		if err != nil {
			return -1
		}
		var info *unix.TCPInfo
		var infoErr error
		if err := raw.Control(func(fd uintptr) {
			info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		}); err != nil || infoErr != nil {
			return -1
		}
		sum += int64(info.Data_segs_in)
	}
	return sum
}
