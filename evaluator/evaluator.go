// Package evaluator turns snapshots into reports.
package evaluator
