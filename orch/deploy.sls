{#- How a deployment goes through its hosts.

    pushguide.deploy fills in the legs: consecutive stages that travel to a batch of hosts as one
    job. To put steps of your own between them, copy this file, name yours in the template
    (orchestration: {deploy: orch.mine}), and start it with pushguide.deploy as ever.

    Started by hand, it asks pushguide.deploy itself:

    salt-run state.orchestrate orch.deploy pillar='{"pushguide": {"order": {"module": "shop-web", "version": "1.4.2"}}}'
-#}
{%- set order = pillar["pushguide"]["order"] %}
{%- if "deployment" in order %}
{%- for leg in order["legs"] %}
{{ loop.index }} {{ leg["stages"] | join(", ") }}{{ " of batch %d" % leg["batch"] if leg["batch"] else "" }}:
  pushguide.stage:
    - deployment: {{ order["deployment"] }}
    - stages: {{ leg["stages"] | json }}
    - batch: {{ leg["batch"] }}
    - failhard: True
{%- endfor %}
{%- else %}
deploy:
  salt.runner:
    - name: pushguide.deploy
    - kwarg: {{ order | json }}
{%- endif %}
