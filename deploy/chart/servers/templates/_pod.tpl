{{- define "servers.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* A StatefulSet of one pod and its Service: (dict "root" $ "name" "valkey" "port" 6379 "values" map "command" list "files" list "env" list). */}}
{{- define "servers.server" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "servers.labels" . | nindent 4 }}
spec:
  selector: {{- include "servers.labels" . | nindent 4 }}
  ports: [{name: server, port: {{ .port }}, targetPort: server}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  labels: {{- include "servers.labels" . | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .name }}
  selector: {matchLabels: {{ include "servers.labels" . | fromYaml | toJson }}}
  template:
    metadata:
      labels: {{- include "servers.labels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .values.user }}
        runAsGroup: {{ .values.user }}
        fsGroup: {{ .values.user }}
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .name }}
          image: {{ .values.image }}
          imagePullPolicy: IfNotPresent
          command: {{ toJson .command }}
          {{- with .env }}
          env: {{ toJson . }}
          {{- end }}
          ports: [{name: server, containerPort: {{ .port }}}]
          startupProbe: {tcpSocket: {port: server}, periodSeconds: 1, failureThreshold: 300}
          livenessProbe: {tcpSocket: {port: server}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3}
          readinessProbe: {tcpSocket: {port: server}, periodSeconds: 2, timeoutSeconds: 2}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          resources: {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
            {{- if .files }}
            - {name: secrets, mountPath: /run/secrets/server, readOnly: true}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
        {{- if .files }}
        - name: secrets
          secret: {secretName: {{ .root.Release.Name }}-servers, defaultMode: 0440, items: {{ toJson .files }}}
        {{- end }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .values.size }}}}
{{- end }}
