//go:build !unix

package live

import "net"

// socketPair returns both ends of a TCP connection.
func socketPair() (a, b net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if a, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	b, err = listener.Accept()
	return a, b, err
}
