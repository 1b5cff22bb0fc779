//go:build race

package wirefuzz

const raceDetector = true
