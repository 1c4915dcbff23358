module github.com/llm-d-sim/llm-d-sim/lab

go 1.26.0

require golang.org/x/mod v0.35.0

require golang.org/x/sync v0.24.0
