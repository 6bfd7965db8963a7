{{/* Labels that select the pods of a part: (dict "root" $ "part" "gateway") */}}
{{- define "astratrade.selector" -}}
app.kubernetes.io/name: astratrade
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "astratrade.match" -}}
{"matchLabels": {{ include "astratrade.selector" . | fromYaml | toJson }}}
{{- end }}

{{- define "astratrade.labels" -}}
{{ include "astratrade.selector" . }}
app.kubernetes.io/version: {{ include "astratrade.tag" .root | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "astratrade.metadata" -}}
name: {{ .root.Release.Name }}-{{ .part }}
labels: {{- include "astratrade.labels" . | nindent 2 }}
{{- end }}

{{- define "astratrade.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* More workers than partitions would wait for nothing, spans without a collector would be lost, and services of the chain would end. */}}
{{- define "astratrade.checked" -}}
{{- if and (gt (float64 (.Values.settings.trace_sample | default 0)) 0.0) (not .Values.tracing.endpoint) }}
{{- fail "settings.trace_sample needs tracing.endpoint" }}
{{- end }}
{{- if and .Values.indexer.replicas (not .Values.settings.indexer_contracts) }}
{{- fail "indexer.replicas needs settings.indexer_contracts" }}
{{- end }}
{{- range $name := list "settlement" "sink" }}
{{- $account := printf "%s_account" $name }}
{{- if and (index $.Values $name).replicas (not (and $.Values.indexer.replicas (index $.Values.settings $account))) }}
{{- fail (printf "%s.replicas needs indexer.replicas and settings.%s" $name $account) }}
{{- end }}
{{- end }}
{{- range $domain, $worker := .Values.workers.domains }}
{{- if gt (int (max $worker.replicas $worker.maxReplicas)) (int $.Values.partitions) }}
{{- fail (printf "workers.domains.%s has more workers than the %d partitions" $domain (int $.Values.partitions)) }}
{{- end }}
{{- if gt (int $worker.replicas) (int $worker.maxReplicas) }}
{{- fail (printf "workers.domains.%s.replicas exceeds its maxReplicas" $domain) }}
{{- end }}
{{- end }}
{{- end }}
