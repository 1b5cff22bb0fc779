//go:build !unix

package echo

func cpuTime() int64 { return 0 }
