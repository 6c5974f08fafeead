{#- Every stage by itself, with a gate on the master's side before, between and after them. -#}
{%- set order = pillar["pushguide"]["order"] %}
{%- macro gate(point) %}
{{ point }}:
  cmd.run:
    - name: sh GATES/gate.sh GATES/{{ order["module"] }} {{ point }}
    - failhard: True
{%- endmacro %}
{{ gate("before-prepare") }}
{%- for stage in ["prepare", "pre_release", "release", "post_release"] %}
{{ stage }}:
  pushguide.stage:
    - deployment: {{ order["deployment"] }}
    - stages: [{{ stage }}]
    - failhard: True
{{ gate("after-" ~ stage) }}
{%- endfor %}
