//go:build !purego

package bench

const build = ""
