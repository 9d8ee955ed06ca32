-- What the program reports to its operator: a workspace for the operator's own endpoints, and the
-- types of event that only the program publishes, into that workspace alone. Fields may be added.

insert into workspace (id, name, external_id, wire_format, created_at)
values (
  '00000000-0000-7000-8000-000000000001', 'Operator', 'postrider', 'STANDARD_WEBHOOKS', now()
);

insert into event_type
  (id, name, description, status, schema, example, created_at, updated_at)
values (
  '00000000-0000-7000-8000-000000000002', 'postrider.endpoint.disabled',
  'The program disabled an endpoint of a customer: its receiver answered 410 (GONE), or it '
  'failed for five days without one success (FAILING). Not sent where a person disables '
  'one.',
  'RESERVED',
  '{
    "type": "object",
    "properties": {
      "workspaceId": {"type": "string"},
      "workspaceExternalId": {"type": ["string", "null"]},
      "endpointId": {"type": "string"},
      "endpointExternalId": {"type": ["string", "null"]},
      "url": {"type": "string"},
      "reason": {"enum": ["GONE", "FAILING"]},
      "disabledAt": {"type": "string", "format": "date-time"}
    },
    "required": [
      "workspaceId", "workspaceExternalId", "endpointId", "endpointExternalId", "url",
      "reason", "disabledAt"
    ]
  }',
  '{
    "workspaceId": "ws_01kaq3zs8qf0rtbvy7q1v9ng3d",
    "workspaceExternalId": "acme",
    "endpointId": "wh_01kaq3zs9ae6ht3a5b0d3c3jvw",
    "endpointExternalId": null,
    "url": "https://acme.example.com/webhooks",
    "reason": "FAILING",
    "disabledAt": "2026-03-19T10:00:00.000Z"
  }',
  now(), now()
), (
  '00000000-0000-7000-8000-000000000003', 'postrider.endpoint.recovered',
  'The first success of an endpoint after its circuit was open or after it was enabled '
  'again.',
  'RESERVED',
  '{
    "type": "object",
    "properties": {
      "workspaceId": {"type": "string"},
      "workspaceExternalId": {"type": ["string", "null"]},
      "endpointId": {"type": "string"},
      "endpointExternalId": {"type": ["string", "null"]},
      "url": {"type": "string"},
      "downSince": {"type": "string", "format": "date-time"},
      "recoveredAt": {"type": "string", "format": "date-time"}
    },
    "required": [
      "workspaceId", "workspaceExternalId", "endpointId", "endpointExternalId", "url",
      "downSince", "recoveredAt"
    ]
  }',
  '{
    "workspaceId": "ws_01kaq3zs8qf0rtbvy7q1v9ng3d",
    "workspaceExternalId": "acme",
    "endpointId": "wh_01kaq3zs9ae6ht3a5b0d3c3jvw",
    "endpointExternalId": null,
    "url": "https://acme.example.com/webhooks",
    "downSince": "2026-03-19T08:30:00.000Z",
    "recoveredAt": "2026-03-19T10:00:00.000Z"
  }',
  now(), now()
), (
  '00000000-0000-7000-8000-000000000004', 'postrider.delivery.failed',
  'A delivery failed for good: its retries are used up, or its receiver answered 410.',
  'RESERVED',
  '{
    "type": "object",
    "properties": {
      "workspaceId": {"type": "string"},
      "workspaceExternalId": {"type": ["string", "null"]},
      "endpointId": {"type": "string"},
      "endpointExternalId": {"type": ["string", "null"]},
      "url": {"type": "string"},
      "deliveryId": {"type": "string"},
      "eventId": {"type": "string"},
      "eventType": {"type": "string"},
      "attemptCount": {"type": "integer"},
      "result": {"type": "string"},
      "statusCode": {"type": ["integer", "null"]},
      "errorMessage": {"type": ["string", "null"]},
      "failedAt": {"type": "string", "format": "date-time"}
    },
    "required": [
      "workspaceId", "workspaceExternalId", "endpointId", "endpointExternalId", "url",
      "deliveryId", "eventId", "eventType", "attemptCount", "result", "statusCode",
      "errorMessage", "failedAt"
    ]
  }',
  '{
    "workspaceId": "ws_01kaq3zs8qf0rtbvy7q1v9ng3d",
    "workspaceExternalId": "acme",
    "endpointId": "wh_01kaq3zs9ae6ht3a5b0d3c3jvw",
    "endpointExternalId": null,
    "url": "https://acme.example.com/webhooks",
    "deliveryId": "dlv_01kaq40n1re9sr2dkw5q1g8000",
    "eventId": "evt_01kaq40n1qfxab7yw2ndhbe9zj",
    "eventType": "invoice.paid",
    "attemptCount": 10,
    "result": "HTTP_ERROR",
    "statusCode": 503,
    "errorMessage": "HTTP 503",
    "failedAt": "2026-03-19T10:00:00.000Z"
  }',
  now(), now()
);
