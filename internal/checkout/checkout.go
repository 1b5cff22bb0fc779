// Package checkout holds what a clone gives to what the repository means, on any
// system and under any configuration of git.
package checkout
