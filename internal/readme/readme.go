// Package readme holds the root README to what is in the repository: its tests
// run the commands that are quick, resolve the others, and run the programs, those
// of the other READMEs as well.
package readme
