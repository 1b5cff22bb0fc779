//go:build !linux

package main

import "time"

var start = time.Now()

// threadTime is the time that has passed, where there is no better clock.
func threadTime() time.Duration { return time.Since(start) }
