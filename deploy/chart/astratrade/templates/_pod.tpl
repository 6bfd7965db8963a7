{{/*
The pod of a part: (dict "root" $ "part" name "args" list "secrets" list "port" number "grace" seconds "resources" map).
"servesAt" adds the port of the API, "claim" leaves out the volume of data because a claim has it.
*/}}
{{- define "astratrade.pod" -}}
metadata:
  labels: {{- include "astratrade.labels" . | nindent 4 }}
  annotations:
    astratrade.example/settings: {{ include "astratrade.settings" .root | sha256sum }}
spec:
  serviceAccountName: {{ .root.Release.Name }}
  {{- include "astratrade.isolation" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .grace }}
  topologySpreadConstraints:
    {{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {{ include "astratrade.match" $ }}
    {{- end }}
  containers:
    - name: {{ .container | default .part }}
      {{- include "astratrade.container" . | nindent 6 }}
      ports:
        {{- with .servesAt }}
        - {name: http, containerPort: {{ . }}}
        {{- end }}
        - {name: metrics, containerPort: {{ .port }}}
      startupProbe: {httpGet: {path: /livez, port: metrics}, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 90}
      livenessProbe: {httpGet: {path: /livez, port: metrics}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
      readinessProbe: {httpGet: {path: /readyz, port: {{ ternary "http" "metrics" (hasKey . "servesAt") }}}, periodSeconds: 2, timeoutSeconds: 4, failureThreshold: 2}
  volumes: {{- include "astratrade.volumes" . | nindent 4 }}
{{- end }}

{{/* What each pod gives up. */}}
{{- define "astratrade.isolation" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "astratrade.container" -}}
image: {{ .root.Values.image.repository }}:{{ include "astratrade.tag" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{ toJson .args }}
env: {{- include "astratrade.environment" . | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{- toYaml .resources | nindent 2 }}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/astratrade, readOnly: true}
{{- end }}

{{/* Settings come from the ConfigMap, but a hook runs before there is one; secrets are files. */}}
{{- define "astratrade.environment" -}}
{{- range $name, $value := fromYaml (include "astratrade.settings" .root) }}
{{- if $.hook }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- else }}
- {name: {{ $name }}, valueFrom: {configMapKeyRef: {name: {{ $.root.Release.Name }}, key: {{ $name }}}}}
{{- end }}
{{- end }}
{{- range include "astratrade.keys" . | fromJsonArray }}
- {name: ASTRA_{{ . | upper | replace "-" "_" }}{{ if not (hasSuffix "-keystore" .) }}_FILE{{ end }}, value: /run/secrets/astratrade/{{ . }}}
{{- end }}
{{- end }}

{{/* The keys of the Secret that a part reads. Of the optional ones, each but the key of the log is for one part. */}}
{{- define "astratrade.keys" -}}
{{- $keys := .secrets }}
{{- $parts := dict "starknet-node-url" "gateway" "indexer-socket-url" "indexer" }}
{{- range .root.Values.optionalSecrets }}
{{- if eq (get $parts . | default $.part) $.part }}
{{- $keys = append $keys . }}
{{- end }}
{{- end }}
{{- toJson $keys }}
{{- end }}

{{- define "astratrade.settings" -}}
ASTRA_PARTITIONS: {{ .Values.partitions | quote }}
ASTRA_DRAIN_S: {{ .Values.gateway.drainSeconds | quote }}
{{- range $name, $value := .Values.settings }}
ASTRA_{{ $name | upper }}: {{ ternary (toJson $value) (toString $value) (kindIs "float64" $value) | quote }}
{{- end }}
{{- with .Values.tracing.endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "astratrade.volumes" -}}
{{- if not .claim }}
- {name: data, emptyDir: {}}
{{- end }}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
- name: secrets
  secret:
    secretName: {{ .root.Values.secret }}
    defaultMode: 0440
    items:
      {{- range include "astratrade.keys" . | fromJsonArray }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}

{{- define "astratrade.disruption" -}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "astratrade.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector: {{ include "astratrade.match" . }}
{{- end }}
