// The chat format of models that have no template of their own, as the Jinja text that is saved with them.

/**
 * The system's words as an opening paragraph, a line `User: …` or `Assistant: …` for each message, the end-of-text token after each
 * answer; to be answered, an open line `Assistant:`. `{% generation %}` marks what the assistant says, with the blank before it,
 * as Transformers and TRL want it.
 */
export const defaultChatTemplate = String.raw`{%- for message in messages %}
    {%- if message['role'] == 'system' %}
        {{- (message['content'] | trim) + '\n\n' }}
    {%- elif message['role'] == 'user' %}
        {{- 'User: ' + (message['content'] | trim) + '\n' }}
    {%- elif message['role'] == 'assistant' %}
        {{- 'Assistant:' }}
        {%- generation %}
            {{- ' ' + (message['content'] | trim) + eos_token }}
        {%- endgeneration %}
        {{- '\n' }}
    {%- else %}
        {{- raise_exception('the role ' + message['role'] + ' is not known: expected system, user or assistant') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- 'Assistant:' }}
{%- endif %}
`;
