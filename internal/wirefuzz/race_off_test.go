//go:build !race

package wirefuzz

const raceDetector = false
